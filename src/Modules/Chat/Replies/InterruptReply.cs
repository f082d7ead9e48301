using LlmPlatform.Chat.Contracts;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;

namespace LlmPlatform.Chat.Replies;

/// <summary>Ends a reply whose host ended without a word, with all that was stored of it.</summary>
public sealed record InterruptReply(Guid ConversationId, Guid MessageId, Guid OwnerId);

public static class InterruptReplyHandler
{
    public static readonly ReplyError Interrupted = new("reply.interrupted", "The platform ended while this was written. It can be continued.");

    public static async Task<OutgoingMessages> Handle(
        InterruptReply command, IDocumentSession session, SubjectVault vault, ReplyTables replies, DateTimeOffset now, CancellationToken cancellation)
    {
        await session.LockConversationAsync(command.ConversationId, command.OwnerId, cancellation);
        ReplyTables.End(session, command.MessageId);
        if (await session.LoadAsync<Conversation>(command.ConversationId, cancellation) is not { } conversation
            || await session.LoadAsync<Message>(command.MessageId, cancellation) is not { State: MessageState.Streaming } message)
        {
            return [];
        }

        var body = await vault.SealBodyAsync(command.OwnerId, await replies.ReadAsync(command.OwnerId, message, cancellation), cancellation);
        var after = session.Append(conversation, new ReplyEnded(message.Id, MessageState.Interrupted, body, null, message.Usage, Interrupted, now));
        return [new ConversationChanged(command.OwnerId, conversation.Id, after.Version, "reply", message.Id, now)];
    }
}
