using FluentValidation;
using LlmPlatform.Chat.Contracts;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;

namespace LlmPlatform.Chat.Replies;

/// <summary>Has the model go on in a reply that was interrupted, stopped, cut off or broke: it is shown what it said, and goes on behind that.</summary>
public sealed record ContinueReply : ReplyWish
{
    internal Guid ConversationId { get; init; }

    internal Guid MessageId { get; init; }
}

internal sealed class ContinueReplyValidator : AbstractValidator<ContinueReply>
{
    public ContinueReplyValidator() => Include(new ReplyWishValidator());
}

public static class ContinueReplyHandler
{
    public static async Task<(AcceptedReply, OutgoingMessages)> Handle(
        ContinueReply command, IDocumentSession session, SubjectVault vault, IModelCatalog models, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var before = await session.ConversationAsync(command.ConversationId, currentUser.Id, cancellation);
        var broken = await session.ReplyAsync(before, command.MessageId, cancellation);
        var model = await models.CheckedAsync(command.Model ?? broken.Model ?? before.Model, currentUser, cancellation);
        var conversation = await session.TakeConversationAsync(command.ConversationId, currentUser.Id, cancellation);
        if (await session.FindAsync(conversation, command, cancellation) is { } known)
        {
            return (known, []);
        }

        var reply = await session.ReplyAsync(conversation, command.MessageId, cancellation);
        conversation.ExpectNotBinned();
        conversation.ExpectTree(command.ExpectedVersion);
        if (reply.State == MessageState.Streaming)
        {
            throw new Refusal(new Error(409, "reply.running", "The reply is being written already."));
        }

        var continued = new ReplyContinued(reply.Id, model, now) { RequestKey = command.RequestKey };
        var after = session.Append(conversation, continued);
        var order = new ReplyOrder(
            conversation.Id, reply.Id, reply.ParentId, after.Version, currentUser.ToModelUser(), model, command.Over(conversation.Settings), conversation.SealedSystemPrompt)
        {
            Before = await vault.OpenBodyAsync(currentUser.Id, reply, cancellation),
            UsedBefore = reply.Usage,
            ToolChoice = command.ToolChoice ?? ToolChoiceMode.Auto,
        };
        ReplyTables.Begin(session, order, now);
        return (
            new AcceptedReply(conversation.Id, reply.ParentId, reply.Id, after.Version, order),
            [new ConversationChanged(currentUser.Id, conversation.Id, after.Version, "message", reply.Id, now)]);
    }
}
