using FluentValidation;
using LlmPlatform.Chat.Contracts;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;

namespace LlmPlatform.Chat.Replies;

/// <summary>Says something in a conversation, and asks for a reply. The message and the reply's place are stored before the model is asked.</summary>
public sealed record SendMessage(string Content) : ReplyWish
{
    /// <summary>What it answers; null for the last message of the branch that is shown.</summary>
    public Guid? ParentId { get; init; }

    /// <summary>Files of text, which the model is shown as files.</summary>
    public IReadOnlyList<Attachment> Attachments { get; init; } = [];

    internal Guid ConversationId { get; init; }

    // Whatever fails is logged by the bus with the text of the message, and nobody's words belong in a log.
    public override string ToString() => $"{nameof(SendMessage)} {ConversationId}";
}

internal sealed class SendMessageValidator : AbstractValidator<SendMessage>
{
    public SendMessageValidator()
    {
        RuleFor(c => c.Content).MessageText();
        RuleFor(c => c.Attachments).Files();
        Include(new ReplyWishValidator());
    }
}

public static class SendMessageHandler
{
    public static async Task<(AcceptedReply, OutgoingMessages)> Handle(
        SendMessage command, IDocumentSession session, SubjectVault vault, IModelCatalog models, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        await models.CheckedAsync(command, await session.ConversationAsync(command.ConversationId, currentUser.Id, cancellation), currentUser, cancellation);
        var conversation = await session.TakeConversationAsync(command.ConversationId, currentUser.Id, cancellation);
        if (await session.FindAsync(conversation, command, cancellation) is { } known)
        {
            return (known, []);
        }

        conversation.ExpectNotBinned();
        conversation.ExpectTree(command.ExpectedVersion);
        var parent = command.ParentId is { } wanted ? (await session.MessageAsync(conversation, wanted, cancellation)).Id : conversation.ActiveLeaf;
        var body = await vault.SealBodyAsync(currentUser.Id, MessageBody.Of(command.Content) with { Attachments = command.Attachments }, cancellation);
        var sent = new MessageAdded(Guid.CreateVersion7(now), parent, MessageRoles.User, body, now) { RequestKey = command.RequestKey };
        var accepted = session.Ask(conversation, [sent], sent.MessageId, command, currentUser, now);
        return (accepted, [new ConversationChanged(currentUser.Id, conversation.Id, accepted.Version, "message", sent.MessageId, now)]);
    }
}
