using LlmPlatform.Chat.Contracts;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Chat.Titles;
using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;

namespace LlmPlatform.Chat.Replies;

/// <summary>Stores the end of a reply: all it says, what it used and why it ended, in one transaction.</summary>
/// <param name="Order">The reply.</param>
/// <param name="State">How it ended.</param>
/// <param name="Body">All it says.</param>
/// <param name="FinishReason">Why the model ended, where it did.</param>
/// <param name="Usage">What it used.</param>
/// <param name="Error">Why it failed, where it did.</param>
public sealed record EndReply(ReplyOrder Order, MessageState State, MessageBody Body, string? FinishReason, ReplyUsage? Usage, ReplyError? Error)
{
    public override string ToString() => $"{nameof(EndReply)} {Order.MessageId}";
}

public static class EndReplyHandler
{
    public static async Task<(ReplyOutcome, OutgoingMessages)> Handle(
        EndReply command, IDocumentSession session, SubjectVault vault, TitleOptions titles, DateTimeOffset now, CancellationToken cancellation)
    {
        var order = command.Order;
        var conversation = await session.TakeConversationAsync(order.ConversationId, order.Asker.Id, cancellation);
        var message = await session.MessageAsync(conversation, order.MessageId, cancellation);
        // Another host may have taken this one for dead. What was really said wins over what was known of it, unless the message went on since then.
        if (message.Attempt != order.Number || message.State is not (MessageState.Streaming or MessageState.Interrupted))
        {
            throw new Refusal(new Error(409, "reply.ended", "The reply has ended already."));
        }

        var body = await vault.SealBodyAsync(order.Asker.Id, command.Body, cancellation);
        var ended = new ReplyEnded(message.Id, command.State, body, command.FinishReason, command.Usage, command.Error, now);
        var after = session.Append(conversation, ended);
        ReplyTables.End(session, message.Id);
        var outcome = new ReplyOutcome(command.State, command.FinishReason, command.Usage, command.Error, after.Version);
        var news = new OutgoingMessages { new ConversationChanged(order.Asker.Id, conversation.Id, after.Version, "reply", message.Id, now) };
        if (command is { State: MessageState.Completed, Usage: { } usage })
        {
            news.Add(new ReplyCompleted(conversation.Id, message.Id, order.Asker.Id, order.Model, usage.PromptTokens, usage.CompletionTokens, now));
            if (conversation.SealedTitle is null && titles.AreOn)
            {
                news.Add(new WriteTitle(conversation.Id, order.Asker));
            }
        }

        return (outcome, news);
    }
}
