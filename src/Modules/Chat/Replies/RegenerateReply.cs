using FluentValidation;
using LlmPlatform.Chat.Contracts;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;

namespace LlmPlatform.Chat.Replies;

/// <summary>Asks for another reply beside one, perhaps of another model or in another way.</summary>
public sealed record RegenerateReply : ReplyWish
{
    internal Guid ConversationId { get; init; }

    internal Guid MessageId { get; init; }
}

internal sealed class RegenerateReplyValidator : AbstractValidator<RegenerateReply>
{
    public RegenerateReplyValidator() => Include(new ReplyWishValidator());
}

public static class RegenerateReplyHandler
{
    public static async Task<(AcceptedReply, OutgoingMessages)> Handle(
        RegenerateReply command, IDocumentSession session, IModelCatalog models, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        await models.CheckedAsync(command, await session.ConversationAsync(command.ConversationId, currentUser.Id, cancellation), currentUser, cancellation);
        var conversation = await session.TakeConversationAsync(command.ConversationId, currentUser.Id, cancellation);
        if (await session.FindAsync(conversation, command, cancellation) is { } known)
        {
            return (known, []);
        }

        var reply = await session.ReplyAsync(conversation, command.MessageId, cancellation);
        conversation.ExpectNotBinned();
        conversation.ExpectTree(command.ExpectedVersion);
        var accepted = session.Ask(conversation, [], reply.ParentId, command, currentUser, now);
        return (accepted, [new ConversationChanged(currentUser.Id, conversation.Id, accepted.Version, "message", accepted.MessageId, now)]);
    }

    /// <exception cref="Refusal"><c>message.not_found</c>, <c>message.not_reply</c></exception>
    internal static async Task<Message> ReplyAsync(this IQuerySession session, Conversation conversation, Guid id, CancellationToken cancellation)
    {
        var message = await session.MessageAsync(conversation, id, cancellation);
        return message.Role == MessageRoles.Assistant ? message : throw new Refusal(new Error(422, "message.not_reply", "This message is no reply of a model."));
    }
}
