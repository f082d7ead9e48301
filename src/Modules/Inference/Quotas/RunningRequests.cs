using System.Collections.Concurrent;
using System.Threading.Channels;
using Marten;
using Marten.Exceptions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace LlmPlatform.Inference.Quotas;

/// <summary>
/// Keeps the ledger in step with what runs: says every two seconds what runs and what it has used, settles what has ended, and settles for hosts
/// that died what they had last said. One loop does all of it, so that a request is never said to run after it was settled.
/// </summary>
internal sealed partial class RunningRequests(IInferenceStore store, QuotaLedger ledger, TimeProvider time, ILogger<RunningRequests> logger) : BackgroundService
{
    private const int MostAtOnce = 200;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<Guid, Meter> running = new();
    private readonly Channel<Ended> ended = Channel.CreateUnbounded<Ended>(new UnboundedChannelOptions { SingleReader = true });
    private readonly List<Ended> unsettled = [];

    public Meter Begin(RequestUsage usage, IReadOnlyList<QuotaLine> lines, QuotaBalance? tightest) =>
        running.GetOrAdd(usage.Id, new Meter(usage, lines, End) { Tightest = tightest });

    /// <summary>Waits until what has ended so far is settled, or could not be.</summary>
    public async Task SettledAsync(CancellationToken cancellation)
    {
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (ended.Writer.TryWrite(new Ended(null, [], told)))
        {
            await told.Task.WaitAsync(cancellation);
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        ended.Writer.TryComplete();
        await base.StopAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        var tick = timer.WaitForNextTickAsync(CancellationToken.None).AsTask();
        while (true)
        {
            var next = ended.Reader.WaitToReadAsync(CancellationToken.None).AsTask();
            await Task.WhenAny(tick, next);
            var isOver = next is { IsCompletedSuccessfully: true } && !await next;
            while (unsettled.Count < MostAtOnce && ended.Reader.TryRead(out var item))
            {
                unsettled.Add(item);
            }

            // While the database is away, what has ended waits for the next tick.
            await TryAsync(SettleAsync);
            if (isOver)
            {
                return;
            }

            if (tick.IsCompleted)
            {
                tick = timer.WaitForNextTickAsync(CancellationToken.None).AsTask();
                await TryAsync(RenewAsync);
                await TryAsync(ExpireAsync);
            }
            else if (unsettled.Count > 0)
            {
                await tick;
            }
        }
    }

    private void End(Meter meter)
    {
        running.TryRemove(meter.Id, out _);
        ended.Writer.TryWrite(new Ended(meter.Usage, meter.Lines, null));
    }

    private async Task TryAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            LogFailed(logger, e);
        }
        finally
        {
            unsettled.RemoveAll(item => item.IsMark && item.Told!.TrySetResult());
        }
    }

    private async Task SettleAsync()
    {
        List<Ended> batch = [.. unsettled.Where(item => !item.IsMark)];
        if (batch.Count > 0)
        {
            await SettleAsync(batch);
            unsettled.RemoveAll(batch.Contains);
        }
    }

    private async Task SettleAsync(IReadOnlyList<Ended> batch)
    {
        try
        {
            await using var session = store.LightweightSession();
            var prices = await ReadPricesAsync(session, batch);
            foreach (var usage in batch.Select(item => item.Usage!).Where(usage => usage.IsAdmitted))
            {
                session.Events.StartStream(usage.Id, Record(usage, prices));
            }

            await CountWithoutHoldAsync(session, batch);
            Release(session, batch);
            await session.SaveChangesAsync();
        }
        catch (Exception e) when (batch.Count > 1 && e is not NpgsqlException)
        {
            // One of them is at fault; the others must not wait for it.
            foreach (var item in batch)
            {
                await SettleAsync([item]);
            }
        }
        catch (ExistingStreamIdCollisionException)
        {
            await CorrectAsync(batch[0]);
        }
        catch (Exception e) when (e is not (NpgsqlException or IOException or TimeoutException or OutOfMemoryException) && e.InnerException is not NpgsqlException)
        {
            LogLost(logger, e, batch[0].Usage!.Id);
        }
    }

    /// <summary>
    /// Counts what was used by requests whose hold is gone: another host took this one for dead before the prompt was taken, and gave back all that
    /// was held. The locks on the holds that are there keep it so until the commit.
    /// </summary>
    private static async Task CountWithoutHoldAsync(IDocumentSession session, IReadOnlyList<Ended> batch)
    {
        var limited = batch.Where(item => item.Lines.Count > 0 && item.Usage!.IsAdmitted).ToList();
        if (limited.Count == 0)
        {
            return;
        }

        await session.BeginTransactionAsync(CancellationToken.None);
        await using var command = new NpgsqlCommand("select id from inference.quota_holds where id = any($1) and cardinality(accounts) > 0 order by id for update");
        command.Parameters.Add(new NpgsqlParameter { Value = limited.Select(item => item.Usage!.Id).ToArray() });
        var held = new HashSet<Guid>();
        await using (var row = await session.ExecuteReaderAsync(command, CancellationToken.None))
        {
            while (await row.ReadAsync())
            {
                held.Add(row.GetGuid(0));
            }
        }

        foreach (var item in limited.Where(item => !held.Contains(item.Usage!.Id)))
        {
            Correct(session, item, item.Usage!.Tokens, requests: 1);
        }
    }

    private static void Correct(IDocumentSession session, Ended item, long tokens, long requests) => session.QueueSqlCommand(
        QuotaLedger.Correct, item.Lines.Select(l => l.Account).ToArray(), item.Lines.Select(l => l.Period).ToArray(), tokens, requests);

    /// <summary>Another host took this one for dead and settled what it knew of. What was used since then is added.</summary>
    private async Task CorrectAsync(Ended item)
    {
        await using var session = store.LightweightSession();
        var usage = item.Usage!;
        var known = (await session.Events.FetchStreamAsync(usage.Id)).Select(e => e.Data).OfType<UsageRecorded>().ToList();
        var rest = usage with
        {
            PromptTokens = Math.Max(0, usage.PromptTokens - known.Sum(e => e.PromptTokens)),
            CachedTokens = Math.Max(0, usage.CachedTokens - known.Sum(e => e.CachedTokens)),
            CompletionTokens = Math.Max(0, usage.CompletionTokens - known.Sum(e => e.CompletionTokens)),
        };
        if (rest.PromptTokens + rest.CompletionTokens > 0)
        {
            session.Events.Append(usage.Id, Record(rest, await ReadPricesAsync(session, [item])) with { Requests = 0 });
            Correct(session, item, rest.Tokens, requests: 0);
        }

        Release(session, [item]);
        await session.SaveChangesAsync();
    }

    private Task RenewAsync()
    {
        RequestUsage[] alive = [.. running.Values.Select(meter => meter.Usage), .. unsettled.Select(item => item.Usage).OfType<RequestUsage>()];
        return alive.Length == 0 ? Task.CompletedTask : ledger.RenewAsync(alive, time.GetUtcNow(), CancellationToken.None);
    }

    private async Task ExpireAsync()
    {
        var expired = await ledger.ReadExpiredAsync(MostAtOnce, time.GetUtcNow(), CancellationToken.None);
        if (expired.Count > 0)
        {
            LogExpired(logger, expired.Count);
            await SettleAsync([.. expired.Select(usage => new Ended(usage, [], null))]);
        }
    }

    private static void Release(IDocumentSession session, IReadOnlyList<Ended> batch) => session.QueueSqlCommand(
        QuotaLedger.Settle,
        batch.Select(item => item.Usage!.Id).ToArray(),
        batch.Select(item => item.Usage!.IsAdmitted ? (long)item.Usage.Tokens : 0).ToArray(),
        batch.Select(item => item.Usage!.IsAdmitted ? 1L : 0).ToArray());

    private static async Task<ILookup<string, ModelPrice>> ReadPricesAsync(IQuerySession session, IReadOnlyList<Ended> batch)
    {
        var models = batch.Select(item => item.Usage!.Model).Distinct().ToArray();
        return (await session.Query<ModelPrice>().Where(p => p.Model.IsOneOf(models)).ToListAsync()).ToLookup(p => p.Model);
    }

    private UsageRecorded Record(RequestUsage usage, ILookup<string, ModelPrice> prices)
    {
        // The price that counted when the request began.
        var price = prices[usage.Model].Where(p => p.SetAt <= usage.StartedAt).MaxBy(p => p.Version);
        var (prompt, cached) = usage.CountsPrompt ? (usage.PromptTokens, usage.CachedTokens) : (0, 0);
        return new UsageRecorded(
            usage.Id,
            usage.UserId,
            usage.ApiKeyId,
            usage.Groups,
            usage.Model,
            1,
            prompt,
            cached,
            usage.CompletionTokens,
            price?.Version ?? 0,
            price?.Currency,
            price?.Of(prompt, cached, usage.CompletionTokens) ?? 0,
            time.GetUtcNow());
    }

    /// <summary>A request that has ended; or a mark, at which somebody waits until everything before it is settled.</summary>
    private sealed record Ended(RequestUsage? Usage, IReadOnlyList<QuotaLine> Lines, TaskCompletionSource? Told)
    {
        public bool IsMark => Told is not null;
    }

    [LoggerMessage(LogLevel.Warning, "The usage ledger cannot be written; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    [LoggerMessage(LogLevel.Error, "The usage of request {RequestId} cannot be recorded and is given up")]
    private static partial void LogLost(ILogger logger, Exception exception, Guid requestId);

    [LoggerMessage(LogLevel.Information, "{Count} requests of a host that ended without a word are settled with what it had said last")]
    private static partial void LogExpired(ILogger logger, int count);
}
