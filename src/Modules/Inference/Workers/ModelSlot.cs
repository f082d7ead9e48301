using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Models;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Inference.Workers;

/// <summary>The one place where a model's worker may run. It starts one when it is needed, shares it, and replaces it when it has ended.</summary>
/// <param name="load">Makes room and starts a worker.</param>
/// <param name="options">How long an unload waits.</param>
/// <param name="time">The clock.</param>
/// <param name="pinnedEnded">Called where a worker that should stay has failed.</param>
internal sealed partial class ModelSlot(
    Func<InstalledModel, CancellationToken, Task<PreparedLoad>> load, EngineOptions options, TimeProvider time, Action pinnedEnded)
{
    private readonly Lock gate = new();
    private readonly SemaphoreSlim starting = new(1, 1); // first uses at one time share one start
    private readonly FailureHistory history = new();
    private Post? post;
    private Error? failure;
    private bool isClosed;

    public WorkerState State
    {
        get
        {
            lock (gate)
            {
                return post switch
                {
                    null or { Worker.End: not null } => failure is null ? new(WorkerPhase.Idle) : new(Fallen, Code: failure.Code, Message: failure.Message),
                    { Drains: > 0, Worker: var worker } => new(WorkerPhase.Draining, 1, worker.Running),
#pragma warning disable RS0030 // it is complete
                    { Worker: var worker } when worker.Ready.IsCompletedSuccessfully => new(WorkerPhase.Ready, 1, worker.Running, worker.Ready.Result with { ChatTemplate = worker.ChatTemplate }),
#pragma warning restore RS0030
                    { Worker: var worker } => new(WorkerPhase.Loading, worker.Progress),
                };
            }
        }
    }

    /// <summary>Waits for a worker that serves; cancelling stops the wait and not the load, which others may wait for too.</summary>
    public async Task<WorkerLease> LeaseAsync(InstalledModel model, CancellationToken cancellation)
    {
        var lease = TryLease(model);
        if (lease is null)
        {
            await starting.WaitAsync(cancellation);
            try
            {
                lease = TryLease(model) ?? await StartAsync(model, cancellation);
            }
            finally
            {
                starting.Release();
            }
        }

        try
        {
            await lease.Worker.Ready.WaitAsync(cancellation);
            return lease;
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    /// <summary>Somebody who knows what happened wants another try.</summary>
    public void Forgive()
    {
        lock (gate)
        {
            history.Clear();
            failure = null;
        }
    }

    /// <summary>Takes no more requests, gives those that run some time, and ends the process.</summary>
    public async Task UnloadAsync(CancellationToken cancellation)
    {
        Post leaving;
        Task unused;
        lock (gate)
        {
            if (post is null or { Worker.End: not null })
            {
                failure = null;
                return;
            }

            leaving = post;
            leaving.Drains++;
            unused = leaving.Unused;
        }

        try
        {
            await unused.WaitAsync(options.DrainTime, time, cancellation);
        }
        catch (TimeoutException)
        {
            // They had their time.
        }
        catch (OperationCanceledException)
        {
            lock (gate)
            {
                leaving.Drains--; // others may still want it to go
            }

            throw;
        }

        await leaving.Worker.EndAsync(Failures.Unloaded);
        await leaving.Watch;
    }

    /// <summary>What could be ended without anybody noticing; null where the model is in use or not loaded.</summary>
    public IdleWorker? Idle
    {
        get
        {
            lock (gate)
            {
                return post is { IsIdle: true } idle && pinned is null ? new IdleWorker(idle.LastUsed, idle.Grant.Bytes, idle.KeepAlive < TimeSpan.Zero) : null;
            }
        }
    }

    /// <summary>Ends a worker that nobody uses, if need be only where its time is over; false where there was none.</summary>
    public async Task<bool> EndIdleAsync(bool onlyIfStale)
    {
        Post leaving;
        lock (gate)
        {
            if (post is not { IsIdle: true } || pinned is not null || (onlyIfStale && !IsStale(post)))
            {
                return false;
            }

            leaving = post;
            leaving.Drains++; // from here on nobody can take it
        }

        await leaving.Worker.EndAsync(Failures.Unloaded);
        await leaving.Watch;
        return true;
    }

    public async Task CloseAsync()
    {
        Post? leaving;
        lock (gate)
        {
            isClosed = true;
            leaving = post;
        }

        if (leaving is not null)
        {
            await leaving.Worker.EndAsync(Failures.Stopping);
            await leaving.Watch;
        }
    }

    private WorkerPhase Fallen => history.Quarantine(time.GetUtcNow()) > TimeSpan.Zero ? WorkerPhase.Quarantined : WorkerPhase.Failed;

    private bool IsStale(Post idle) => idle.KeepAlive >= TimeSpan.Zero && time.GetElapsedTime(idle.LastUsed) >= idle.KeepAlive;

    private WorkerLease? TryLease(InstalledModel model)
    {
        lock (gate)
        {
            return isClosed ? throw Failures.Stopping.ToException()
                : post is { Worker.End: null, Drains: > 0 } ? throw Failures.Unloading.ToException()
                : post is { Worker.End: null } && post.Digest == model.Digest ? Lease(post)
                : null;
        }
    }

    private async Task<WorkerLease> StartAsync(InstalledModel model, CancellationToken cancellation)
    {
        if (post is { } old)
        {
            // Either it has ended, or it serves a file that this name no longer means. Its memory has to be back before another one loads.
            await old.Worker.EndAsync(Failures.Unloaded);
            await old.Watch;
        }

        TimeSpan wait;
        lock (gate)
        {
            var now = time.GetUtcNow();
            var quarantine = history.Quarantine(now);
            if (quarantine > TimeSpan.Zero)
            {
                throw Failures.Quarantined(quarantine).ToException();
            }

            wait = history.Wait(now);
        }

        await Task.Delay(wait, time, cancellation);
        using var prepared = await PrepareAsync(model, cancellation);
        lock (gate)
        {
            if (isClosed)
            {
                throw Failures.Stopping.ToException();
            }

            failure = null; // what the last one ended with says nothing of this one
            post = new Post(prepared.Start(), prepared.TakeGrant(), model.Digest, prepared.Plan.KeepAlive, time.GetTimestamp());
            post.Watch = WatchAsync(post);
            return Lease(post);
        }
    }

    private async Task<PreparedLoad> PrepareAsync(InstalledModel model, CancellationToken cancellation)
    {
        try
        {
            return await load(model, cancellation);
        }
        catch (GenerationException refused)
        {
            lock (gate)
            {
                failure = new Error(refused.Status, refused.Code, refused.Message); // whoever only asked for a load looks here
            }

            throw;
        }
    }

    private async Task WatchAsync(Post watched)
    {
        await Task.WhenAny(watched.Worker.Ready, watched.Worker.Ended);
        watched.Grant.Settle();
        var reason = await watched.Worker.Ended;
        watched.Grant.Dispose();
        lock (gate)
        {
            var wasWanted = reason == Failures.Unloaded || reason == Failures.Stopping;
            failure = wasWanted ? null : reason;
            if (!wasWanted)
            {
                history.Record(time.GetUtcNow());
            }
        }

        if (Missing is not null)
        {
            pinnedEnded();
        }
    }

    private WorkerLease Lease(Post used)
    {
        used.Leases++;
        return new WorkerLease(used.Worker, keepAlive => Release(used, keepAlive));
    }

    private void Release(Post used, TimeSpan? keepAlive)
    {
        lock (gate)
        {
            used.KeepAlive = keepAlive ?? used.UsualKeepAlive;
            used.LastUsed = time.GetTimestamp();
            used.Leases--;
            used.TellIfUnused();
        }

        if (used.KeepAlive == TimeSpan.Zero)
        {
            _ = EndIdleAsync(onlyIfStale: true);
        }
    }
}
