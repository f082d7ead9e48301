using System.Collections.Concurrent;
using System.Threading.Channels;
using LlmPlatform.Auth.Contracts;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.SharedKernel;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Wolverine;

namespace LlmPlatform.Chat.Replies;

/// <summary>
/// Writes replies, whoever reads them or has gone. One loop stores the pieces of all of them: each round is one commit, and rounds begin at least
/// <see cref="Pace"/> apart, so the database's load does not grow with the number of replies. Another loop says that they are alive, and ends those
/// whose host is not.
/// </summary>
internal sealed partial class RunningReplies(
    ReplyTables tables,
    ReplyGenerator generator,
    SubjectVault vault,
    IUserDirectory users,
    IServiceScopeFactory scopes,
    IConfiguration configuration,
    TimeProvider time,
    ILogger<RunningReplies> logger) : BackgroundService
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly ConcurrentDictionary<Guid, RunningReply> running = new();
    private readonly Channel<bool> unwritten = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource ending = new();
    private IReadOnlyList<AbandonedReply> leftBehind = [];

    // The embedded database serves this host alone.
    private readonly bool isAlone = string.IsNullOrEmpty(configuration["ConnectionStrings:Postgres"]);

    /// <summary>A reply that this host writes, or has just written; null where it does not.</summary>
    public RunningReply? Find(Guid messageId) => running.GetValueOrDefault(messageId);

    /// <summary>Begins to write a reply whose place is stored.</summary>
    public RunningReply Begin(ReplyOrder order)
    {
        var reply = running.GetOrAdd(order.MessageId, _ => new RunningReply(order));
        _ = Task.Run(() => RunAsync(reply), CancellationToken.None);
        return reply;
    }

    /// <summary>Stops a reply, here or where it is written. What it has said by then stays.</summary>
    public async Task StopAsync(Guid messageId, CancellationToken cancellation)
    {
        if (Find(messageId) is { } reply)
        {
            reply.Stop();
            await reply.Ended.WaitAsync(cancellation);
            return;
        }

        await tables.StopAsync(messageId, cancellation);
    }

    /// <summary>Stops all that is written for somebody who is gone.</summary>
    public void StopAllOf(Guid owner)
    {
        foreach (var reply in running.Values.Where(reply => reply.Order.Asker.Id == owner))
        {
            reply.Stop();
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await ending.CancelAsync();
        RunningReply[] open = [.. running.Values];
        foreach (var reply in open)
        {
            reply.Interrupt();
        }

        await Task.WhenAny(Task.WhenAll(open.Select(reply => reply.Ended)), Task.Delay(Timeout.Infinite, cancellationToken));
        await base.StopAsync(cancellationToken);
    }

    public override void Dispose()
    {
        ending.Dispose();
        base.Dispose();
    }

    // Before the first request comes, what is not written here is written nowhere, if this host is alone. Afterwards only silence says so.
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        if (isAlone)
        {
            leftBehind = await tables.ReadAbandonedAsync(isAlone, [], cancellationToken);
        }

        await base.StartAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(StorePiecesAsync(stoppingToken), WatchAsync(stoppingToken));

    private async Task RunAsync(RunningReply reply)
    {
        var end = await WriteAsync(reply);
        reply.Close();
        reply.End(await StoreEndAsync(reply, end));
        running.TryRemove(reply.Order.MessageId, out _);
        reply.Dispose();
    }

    private async Task<ReplyEnd> WriteAsync(RunningReply reply)
    {
        try
        {
            await WaitForTurnAsync(reply);
            return await generator.WriteAsync(reply, () => unwritten.Writer.TryWrite(true), reply.Stopping);
        }
        catch (OperationCanceledException) when (reply.Stopping.IsCancellationRequested)
        {
            return reply.IsStopped
                ? new ReplyEnd(MessageState.Stopped, "cancelled", reply.Order.UsedBefore, null)
                : new ReplyEnd(MessageState.Interrupted, null, reply.Order.UsedBefore, InterruptReplyHandler.Interrupted);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            LogFailed(logger, failure, reply.Order.MessageId);
            return new ReplyEnd(MessageState.Failed, null, reply.Order.UsedBefore, new ReplyError("internal", "Something broke on our side."));
        }
    }

    /// <summary>Replies of one conversation are written one after the other, in the order in which they were asked for.</summary>
    private async Task WaitForTurnAsync(RunningReply reply)
    {
        while (await tables.FindPredecessorAsync(reply.Order, reply.Stopping) is { } predecessor)
        {
            await (Find(predecessor) is { } here ? here.Ended.WaitAsync(reply.Stopping) : Task.Delay(Pause, reply.Stopping));
        }
    }

    /// <summary>Tries until it is stored: a database that is away for a while loses no reply.</summary>
    private async Task<ReplyOutcome> StoreEndAsync(RunningReply reply, ReplyEnd end)
    {
        while (true)
        {
            try
            {
                await using var scope = scopes.CreateAsyncScope();
                var bus = scope.ServiceProvider.GetRequiredService<IMessageBus>();
                return await bus.InvokeAsync<ReplyOutcome>(new EndReply(reply.Order, end.State, reply.Body(), end.FinishReason, end.Usage, end.Error), CancellationToken.None);
            }
            catch (Exception failure) when (failure is not (Refusal or OutOfMemoryException) && !ending.IsCancellationRequested)
            {
                LogUnstored(logger, failure, reply.Order.MessageId);
                await Task.WhenAny(Task.Delay(Pause, ending.Token)); // ends early with the host, and then tries a last time
            }
            catch (Exception failure) when (failure is not OutOfMemoryException)
            {
                // The conversation was deleted meanwhile, the reply was ended by another host, or this one ends without its database.
                LogGivenUp(logger, failure, reply.Order.MessageId);
                return new ReplyOutcome(MessageState.Failed, null, end.Usage, new ReplyError("reply.gone", "The conversation is not there any more, or was ended elsewhere."), 0);
            }
        }
    }

    private async Task StorePiecesAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested && await WaitAsync(unwritten.Reader, cancellation))
        {
            var pace = Task.Delay(Pace, CancellationToken.None);
            await StoreRoundAsync();
            await pace;
        }
    }

    private async Task StoreRoundAsync()
    {
        var taken = running.Values.Select(reply => (Reply: reply, Piece: reply.TakeUnwritten())).Where(t => t.Piece is not null).ToList();
        if (taken.Count == 0)
        {
            return;
        }

        try
        {
            var pieces = new List<ReplyPiece>(taken.Count);
            foreach (var (reply, piece) in taken)
            {
                pieces.Add(new ReplyPiece(reply.Order.MessageId, piece!.Value.Place, await vault.SealJsonAsync(reply.Order.Asker.Id, piece.Value.Parts, CancellationToken.None)));
            }

            await tables.StoreAsync(pieces, CancellationToken.None);
            foreach (var (reply, piece) in taken)
            {
                reply.Store(piece!.Value.Place + piece.Value.Parts.Sum(part => part.Length));
            }
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            LogPiecesFailed(logger, failure);
            taken.ForEach(t => t.Reply.GiveBack(t.Piece!.Value.Place));
            unwritten.Writer.TryWrite(true);
            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    private async Task WatchAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Beat, time);
        do
        {
            try
            {
                await RenewAsync(cancellation);
                await EndAbandonedAsync(cancellation);
            }
            catch (Exception failure) when (failure is not OutOfMemoryException && !cancellation.IsCancellationRequested)
            {
                LogWatchFailed(logger, failure);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
        while (await TickAsync(timer, cancellation));
    }

    private async Task RenewAsync(CancellationToken cancellation)
    {
        RunningReply[] open = [.. running.Values];
        if (open.Length == 0)
        {
            return;
        }

        foreach (var unwanted in await tables.RenewAsync([.. open.Select(reply => reply.Order.MessageId)], cancellation))
        {
            Find(unwanted)?.Stop();
        }

        foreach (var owner in open.Select(reply => reply.Order.Asker.Id).Distinct())
        {
            if (await users.FindAsync(owner, cancellation) is not { IsActive: true })
            {
                StopAllOf(owner);
            }
        }
    }

    private async Task EndAbandonedAsync(CancellationToken cancellation)
    {
        var abandoned = await tables.ReadAbandonedAsync(isAlone: false, [.. running.Keys], cancellation);
        foreach (var reply in leftBehind.Concat(abandoned).Distinct())
        {
            await using var scope = scopes.CreateAsyncScope();
            await scope.ServiceProvider.GetRequiredService<IMessageBus>().InvokeAsync(new InterruptReply(reply.ConversationId, reply.MessageId, reply.OwnerId), cancellation);
        }

        leftBehind = [];
    }

    private static async Task<bool> WaitAsync(ChannelReader<bool> reader, CancellationToken cancellation)
    {
        try
        {
            return await reader.ReadAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static async Task<bool> TickAsync(PeriodicTimer timer, CancellationToken cancellation)
    {
        try
        {
            return await timer.WaitForNextTickAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    [LoggerMessage(LogLevel.Error, "Reply {MessageId} broke")]
    private static partial void LogFailed(ILogger logger, Exception exception, Guid messageId);

    [LoggerMessage(LogLevel.Warning, "The end of reply {MessageId} cannot be stored; it is tried again")]
    private static partial void LogUnstored(ILogger logger, Exception exception, Guid messageId);

    [LoggerMessage(LogLevel.Warning, "The end of reply {MessageId} is given up")]
    private static partial void LogGivenUp(ILogger logger, Exception exception, Guid messageId);

    [LoggerMessage(LogLevel.Warning, "Pieces of replies cannot be stored; they are tried again")]
    private static partial void LogPiecesFailed(ILogger logger, Exception exception);

    [LoggerMessage(LogLevel.Warning, "Replies could not be watched; it is tried again")]
    private static partial void LogWatchFailed(ILogger logger, Exception exception);
}
