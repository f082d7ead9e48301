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
        while (true)
        {
            if (running.Find(messageId) is { } reply)
            {
                await FollowHereAsync(events, reply, place);
                return;
            }

            Message message;
            Conversation conversation;
            await using (var session = store.QuerySession())
            {
                if (await session.LoadAsync<Message>(messageId, events.Ended) is not { } stored || await session.LoadAsync<Conversation>(stored.ConversationId, events.Ended) is not { } its)
                {
                    events.Write(messageId, new ReplyOutcome(MessageState.Failed, null, null, new ReplyError("conversation.not_found", "The conversation was deleted."), 0), place, 0);
                    await events.FlushAsync();
                    return;
                }

                (message, conversation) = (stored, its);
            }

            var isOver = message.State != MessageState.Streaming;
            var body = isOver ? await vault.OpenBodyAsync(owner, message, events.Ended) : await tables.ReadAsync(owner, message, events.Ended);
            var log = new ReplyLog(body.Parts);
            place = Math.Min(place, log.Length);
            while (place < log.Length)
            {
                place = events.Write(messageId, log.Read(place, Math.Min(log.Length, place + MostUnsent)), place);
                await events.FlushAsync();
            }

            if (isOver)
            {
                events.Write(messageId, new ReplyOutcome(message.State, message.FinishReason, message.Usage, message.Error, conversation.Version), log.Length, body.DroppedMessages);
                await events.FlushAsync();
                return;
            }

            await events.WaitAsync(Task.Delay(Look, events.Ended));
        }
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
}
