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
/// <see cref="Pace"/> apart, so the database's load does not grow with the number of replies. Other loops say that they are alive, end those whose
/// host is not, and stop those of people who may not ask any more.
/// </summary>
internal sealed partial class RunningReplies(
    ReplyTables tables,
    PromptReader prompts,
    ReplyGenerator generator,
    SubjectVault vault,
    IUserDirectory users,
    IServiceScopeFactory scopes,
    IConfiguration configuration,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<RunningReplies> logger) : BackgroundService
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<Guid, RunningReply> running = new();
    private readonly Channel<bool> unwritten = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource ending = new();
    private IReadOnlyList<AbandonedReply> leftBehind = [];
    private CancellationTokenRegistration stopping;

    // The embedded database serves this host alone.
    private readonly bool isAlone = string.IsNullOrEmpty(configuration["ConnectionStrings:Postgres"]);

    /// <summary>A reply that this host writes, or has just written; null where it does not.</summary>
    public RunningReply? Find(Guid messageId) => running.GetValueOrDefault(messageId);

    /// <summary>Begins to write a reply whose place is stored.</summary>
    public RunningReply Begin(ReplyOrder order)
    {
        var reply = new RunningReply(order);
        // One attempt at a reply may still be on its way out when the next begins.
        running.AddOrUpdate(order.MessageId, reply, (_, last) =>
        {
            last.Interrupt();
            return reply;
        });
        if (ending.IsCancellationRequested)
        {
            reply.Interrupt();
        }

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
    private void StopAllOf(Guid owner)
    {
        foreach (var reply in running.Values.Where(reply => reply.Order.Asker.Id == owner))
        {
            reply.Stop();
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        InterruptAll();
        await Task.WhenAny(Task.WhenAll(running.Values.Select(reply => reply.Ended)), Task.Delay(LastPatience, CancellationToken.None));
        await base.StopAsync(cancellationToken);
    }

    public override void Dispose()
    {
        stopping.Dispose();
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

        // Readers are told before the web server waits for them to leave.
        stopping = lifetime.ApplicationStopping.Register(InterruptAll);
        await base.StartAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        StorePiecesAsync(stoppingToken), EachBeatAsync(RenewAsync, stoppingToken), EachBeatAsync(EndAbandonedAsync, stoppingToken), EachBeatAsync(StopStrangersAsync, stoppingToken));

    private async Task RunAsync(RunningReply reply)
    {
        var end = await WriteAsync(reply);
        reply.Close();
        reply.End(await StoreEndAsync(reply, end));
        running.TryRemove(KeyValuePair.Create(reply.Order.MessageId, reply)); // and not the next attempt
        reply.Dispose();
    }

    private async Task<ReplyEnd> WriteAsync(RunningReply reply)
    {
        try
        {
            await WaitForTurnAsync(reply);
            var (messages, left) = await PatientlyAsync(() => prompts.ReadAsync(reply.Order, reply.Stopping), reply);
            return await generator.WriteAsync(reply, messages, left, () => unwritten.Writer.TryWrite(true), reply.Stopping);
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
        while (await PatientlyAsync(() => tables.FindPredecessorAsync(reply.Order, reply.Stopping), reply) is { } predecessor)
        {
            // Its end is stored a moment before its row is looked for again; without a pause that moment would be a loop.
            await (Find(predecessor) is { } here ? Task.WhenAny(here.Ended, Task.Delay(Beat, reply.Stopping)) : Task.Delay(Pause, reply.Stopping));
        }
    }

    /// <summary>A database that is away for a while loses no reply.</summary>
    private async Task<T> PatientlyAsync<T>(Func<Task<T>> ask, RunningReply reply)
    {
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (Exception failure) when (IsOfDatabase(failure) && !reply.Stopping.IsCancellationRequested)
            {
                LogWaiting(logger, failure, reply.Order.MessageId);
                await Task.Delay(Pause, reply.Stopping);
            }
        }
    }

    private static bool IsOfDatabase(Exception? failure) => failure is Npgsql.NpgsqlException { IsTransient: true } || (failure is not null && IsOfDatabase(failure.InnerException));

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
                pieces.Add(new ReplyPiece(reply.Order.MessageId, reply.Order.Number, piece!.Value.Place, await vault.SealJsonAsync(reply.Order.Asker.Id, piece.Value.Parts, CancellationToken.None)));
            }

            var stored = await tables.StoreAsync(pieces, CancellationToken.None);
            foreach (var (reply, piece) in taken.Where(t => stored.Contains(t.Reply.Order.MessageId)))
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

    /// <summary>Each in a loop of its own: what takes long must not keep replies from being said to be alive.</summary>
    private async Task EachBeatAsync(Func<CancellationToken, Task> work, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Beat, time);
        do
        {
            try
            {
                await work(cancellation);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure) when (failure is not OutOfMemoryException)
            {
                LogWatchFailed(logger, failure);
            }
        }
        while (await TickAsync(timer, cancellation));
    }

    private async Task RenewAsync(CancellationToken cancellation)
    {
        ReplyOrder[] open = [.. running.Values.Select(reply => reply.Order)];
        if (open.Length == 0)
        {
            return;
        }

        var (stopped, lost) = await tables.RenewAsync(open, cancellation);
        foreach (var message in stopped)
        {
            Find(message)?.Stop();
        }

        foreach (var order in open.Where(order => lost.Contains(order.MessageId)))
        {
            if (Find(order.MessageId) is { } reply && reply.Order == order)
            {
                reply.Interrupt();
            }
        }
    }

    /// <summary>Whoever may not use the platform any more has no model write any more.</summary>
    private async Task StopStrangersAsync(CancellationToken cancellation)
    {
        foreach (var owner in running.Values.Select(reply => reply.Order.Asker.Id).Distinct())
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
        var all = leftBehind.Concat(abandoned).Distinct().ToList();
        leftBehind = [];
        foreach (var reply in all)
        {
            try
            {
                await using var scope = scopes.CreateAsyncScope();
                await scope.ServiceProvider.GetRequiredService<IMessageBus>().InvokeAsync(
                    new InterruptReply(reply.ConversationId, reply.MessageId, reply.OwnerId, reply.Number), cancellation);
            }
            catch (Exception failure) when (failure is not OutOfMemoryException && !cancellation.IsCancellationRequested)
            {
                LogUnstored(logger, failure, reply.MessageId); // its lease is over, so it comes again
            }
        }
    }

    private void InterruptAll()
    {
        ending.Cancel();
        foreach (var reply in running.Values)
        {
            reply.Interrupt();
        }
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

    [LoggerMessage(LogLevel.Warning, "Reply {MessageId} waits for the database")]
    private static partial void LogWaiting(ILogger logger, Exception exception, Guid messageId);

    [LoggerMessage(LogLevel.Warning, "The end of reply {MessageId} cannot be stored; it is tried again")]
    private static partial void LogUnstored(ILogger logger, Exception exception, Guid messageId);

    [LoggerMessage(LogLevel.Warning, "The end of reply {MessageId} is given up")]
    private static partial void LogGivenUp(ILogger logger, Exception exception, Guid messageId);

    [LoggerMessage(LogLevel.Warning, "Pieces of replies cannot be stored; they are tried again")]
    private static partial void LogPiecesFailed(ILogger logger, Exception exception);

    [LoggerMessage(LogLevel.Warning, "Replies could not be watched; it is tried again")]
    private static partial void LogWatchFailed(ILogger logger, Exception exception);
}
