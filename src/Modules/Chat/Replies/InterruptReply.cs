using LlmPlatform.Chat.Contracts;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;

namespace LlmPlatform.Chat.Replies;

/// <summary>Ends a reply whose host ended without a word, with all that was stored of it.</summary>
/// <param name="ConversationId">Where.</param>
/// <param name="MessageId">Which.</param>
/// <param name="OwnerId">Whose.</param>
/// <param name="Number">Which attempt at it.</param>
public sealed record InterruptReply(Guid ConversationId, Guid MessageId, Guid OwnerId, long Number);

public static class InterruptReplyHandler
{
    public static readonly ReplyError Interrupted = new("reply.interrupted", "The platform ended while this was written. It can be continued.");

    public static async Task<OutgoingMessages> Handle(
        InterruptReply command, IDocumentSession session, SubjectVault vault, ReplyTables replies, DateTimeOffset now, CancellationToken cancellation)
    {
        await session.LockConversationAsync(command.ConversationId, command.OwnerId, cancellation);
        if (await session.LoadAsync<Conversation>(command.ConversationId, cancellation) is not { } conversation
            || await session.LoadAsync<Message>(command.MessageId, cancellation) is not { } message)
        {
            ReplyTables.End(session, command.MessageId);
            return [];
        }

        if (message.Attempt != command.Number)
        {
            return []; // it goes on already
        }

        if (message.State != MessageState.Streaming)
        {
            ReplyTables.End(session, command.MessageId);
            return [];
        }

        var body = await vault.SealBodyAsync(command.OwnerId, await replies.ReadLastAsync(session, command.OwnerId, message, cancellation), cancellation);
        ReplyTables.End(session, message.Id);
        var after = session.Append(conversation, new ReplyEnded(message.Id, MessageState.Interrupted, body, null, message.Usage, Interrupted, now));
        return [new ConversationChanged(command.OwnerId, conversation.Id, after.Version, "reply", message.Id, now)];
    }
}
