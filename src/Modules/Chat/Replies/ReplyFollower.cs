using LlmPlatform.Chat.Conversations;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Chat.Replies;

/// <summary>Tells a reader what a reply says from a place on, until it ends: as it is written here, as another host writes it, or as it was.</summary>
internal sealed class ReplyFollower(RunningReplies running, ReplyTables tables, IChatStore store, SubjectVault vault)
{
    // What is written before it is sent: whoever comes late to a long reply must not have all of it in a buffer.
    private const int MostUnsent = 16 << 10;
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);

    public async Task FollowAsync(ReplyEvents events, Guid owner, Guid messageId, long place)
    {
        ReplyLog? log = null;
        RunningReply? reply;
        while ((reply = running.Find(messageId)) is null)
        {
            if (await FindAsync(messageId, events.Ended) is not ({ } conversation, { } message))
            {
                events.Write(messageId, new ReplyOutcome(MessageState.Failed, null, null, new ReplyError("conversation.not_found", "The conversation was deleted."), 0), place, 0);
                await events.FlushAsync();
                return;
            }

            // Another host writes it, or nobody does. Its end replaces the pieces, so a look at the wrong moment may find neither: the next one does.
            var isOver = message.State != MessageState.Streaming;
            log = isOver || log is null ? new ReplyLog((await vault.OpenBodyAsync(owner, message, events.Ended)).Parts) : log;
            if (!isOver)
            {
                await tables.ReadOnAsync(log, owner, messageId, events.Ended);
            }

            while (log.Read(place, log.Length, MostUnsent) is { Parts.Count: > 0 } next)
            {
                place = events.Write(messageId, next.Parts, place);
                await events.FlushAsync();
            }

            if (isOver)
            {
                events.Write(messageId, new ReplyOutcome(message.State, message.FinishReason, message.Usage, message.Error, conversation.Version), log.Length, log.ToBody().DroppedMessages);
                await events.FlushAsync();
                return;
            }

            await events.WaitAsync(Task.Delay(Look, events.Ended));
        }

        await FollowHereAsync(events, reply, place);
    }

    internal static async Task FollowHereAsync(ReplyEvents events, RunningReply reply, long place)
    {
        var messageId = reply.Order.MessageId;
        while (true)
        {
            var (parts, outcome, changed) = reply.Read(place, MostUnsent);
            place = events.Write(messageId, parts, place);
            if (outcome is not null)
            {
                events.Write(messageId, outcome, place, reply.Body().DroppedMessages);
                await events.FlushAsync();
                return;
            }

            if (parts.Count == 0)
            {
                await events.WaitAsync(changed);
            }
            else
            {
                await events.FlushAsync();
            }
        }
    }

    private async Task<(Conversation? Conversation, Message? Message)> FindAsync(Guid messageId, CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        var message = await session.LoadAsync<Message>(messageId, cancellation);
        return (message is null ? null : await session.LoadAsync<Conversation>(message.ConversationId, cancellation), message);
    }
}
