using FluentValidation;
using LlmPlatform.Chat.Contracts;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;

namespace LlmPlatform.Chat.Replies;

/// <summary>Says something in another way: the new message stands beside the old one, which stays, and is answered anew.</summary>
public sealed record EditMessage(string Content) : ReplyWish
{
    /// <summary>Null to keep the files there are.</summary>
    public IReadOnlyList<Attachment>? Attachments { get; init; }

    internal Guid ConversationId { get; init; }

    internal Guid MessageId { get; init; }

    public override string ToString() => $"{nameof(EditMessage)} {MessageId}";
}

internal sealed class EditMessageValidator : AbstractValidator<EditMessage>
{
    public EditMessageValidator()
    {
        RuleFor(c => c.Content).MessageText();
        RuleFor(c => c.Attachments!).Files().When(c => c.Attachments is not null);
        Include(new ReplyWishValidator());
    }
}

public static class EditMessageHandler
{
    public static async Task<(AcceptedReply, OutgoingMessages)> Handle(
        EditMessage command, IDocumentSession session, SubjectVault vault, IModelCatalog models, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        await models.CheckedAsync(command, await session.ConversationAsync(command.ConversationId, currentUser.Id, cancellation), currentUser, cancellation);
        var conversation = await session.TakeConversationAsync(command.ConversationId, currentUser.Id, cancellation);
        if (await session.FindAsync(conversation, command, cancellation) is { } known)
        {
            return (known, []);
        }

        var edited = await session.MessageAsync(conversation, command.MessageId, cancellation);
        conversation.ExpectNotBinned();
        conversation.ExpectTree(command.ExpectedVersion);
        if (edited.Role != MessageRoles.User)
        {
            throw new Refusal(new Error(422, "message.not_yours", "Only what a user said is edited. A reply is asked for again instead."));
        }

        var files = command.Attachments ?? (await vault.OpenBodyAsync(currentUser.Id, edited, cancellation)).Attachments;
        var body = await vault.SealBodyAsync(currentUser.Id, MessageBody.Of(command.Content) with { Attachments = files }, cancellation);
        var sent = new MessageAdded(Guid.CreateVersion7(now), edited.ParentId, MessageRoles.User, body, now) { EditOf = edited.Id, RequestKey = command.RequestKey };
        var accepted = session.Ask(conversation, [sent], sent.MessageId, command, currentUser, now);
        return (accepted, [new ConversationChanged(currentUser.Id, conversation.Id, accepted.Version, "message", sent.MessageId, now)]);
    }
}
