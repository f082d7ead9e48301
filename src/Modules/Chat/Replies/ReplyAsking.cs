using System.Threading.RateLimiting;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Wolverine;

namespace LlmPlatform.Chat.Replies;

/// <summary>Has a command taken that asks for a reply, begins to write it, and tells the reader what it says.</summary>
internal sealed class ReplyAsking(IServiceScopeFactory scopes, RunningReplies running, ReplyFollower follower) : IDisposable
{
    // Commands of one conversation wait for each other, each with a connection to the database. Whoever sends very many must not hold all there are.
    private const int MostAtOnce = 4;
    private const int MostWaiting = 2000;

    private readonly PartitionedRateLimiter<Guid> gate = PartitionedRateLimiter.Create<Guid, Guid>(owner => RateLimitPartition.GetConcurrencyLimiter(
        owner, _ => new ConcurrencyLimiterOptions { PermitLimit = MostAtOnce, QueueLimit = MostWaiting, QueueProcessingOrder = QueueProcessingOrder.OldestFirst }));

    public async Task AskAsync(object command, HttpContext context)
    {
        var accepted = await TakeAsync(command, CurrentUser.From(context.User).Id, context.RequestAborted);
        var place = accepted.Order?.Before?.Parts.Sum(part => (long)part.Length) ?? 0;
        await TellAsync(context, new ReplyAccepted(accepted.ConversationId, accepted.UserMessageId, accepted.MessageId, accepted.Version), place, accepted.MessageId);
    }

    public async Task TellAsync(HttpContext context, ReplyAccepted? accepted, long place, Guid messageId)
    {
        var events = new ReplyEvents(context);
        events.Begin();
        if (accepted is not null)
        {
            events.Write("accepted", place, accepted);
        }

        await events.FlushAsync();
        await follower.FollowAsync(events, CurrentUser.From(context.User).Id, messageId, place);
    }

    public void Dispose() => gate.Dispose();

    private async Task<AcceptedReply> TakeAsync(object command, Guid owner, CancellationToken cancellation)
    {
        using var turn = await gate.AcquireAsync(owner, 1, cancellation);
        if (!turn.IsAcquired)
        {
            throw new Refusal(new Error(429, "chat.too_many", "You send more at once than can be taken. Try again in a moment.") { RetryAfter = TimeSpan.FromSeconds(1) });
        }

        await using var scope = scopes.CreateAsyncScope();
        // Not to be cancelled: whoever leaves at the moment of the commit would have a reply that nobody writes.
        var accepted = await scope.ServiceProvider.GetRequiredService<IMessageBus>().InvokeAsync<AcceptedReply>(command, CancellationToken.None);
        if (accepted.Order is { } order)
        {
            running.Begin(order);
        }

        return accepted;
    }
}
