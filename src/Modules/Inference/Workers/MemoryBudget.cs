using LlmPlatform.Inference.Models;

namespace LlmPlatform.Inference.Workers;

/// <summary>
/// Keeps the sum of what all workers may take below a limit. Memory is granted before a worker starts and comes back when its process is gone.
/// </summary>
internal sealed class MemoryBudget
{
    private const int Percent = 85; // of what is there at the start; the rest is for the host, PostgreSQL and surprises

    private readonly Func<long> available;
    private readonly SemaphoreSlim asking = new(1, 1); // who asks second sees what the first one got
    private readonly Lock gate = new();
    private readonly HashSet<MemoryGrant> grants = [];

    public MemoryBudget(long? limit, Func<long> available)
    {
        this.available = available;
        Limit = limit ?? available() / 100 * Percent;
    }

    public long Limit { get; }

    /// <summary>Bytes that a model may take now.</summary>
    public long Room
    {
        get
        {
            // What was granted to a worker that still loads is not taken yet, so the machine does not show it.
            var there = available();
            lock (gate)
            {
                return Math.Max(0, Math.Min(Limit - grants.Sum(g => g.Bytes), there - grants.Where(g => !g.IsSettled).Sum(g => g.Bytes)));
            }
        }
    }

    private long Granted
    {
        get
        {
            lock (gate)
            {
                return grants.Sum(g => g.Bytes);
            }
        }
    }

    /// <summary>Grants what the plan needs and as much of what it wishes as there is room for.</summary>
    /// <param name="plan">Who needs how much.</param>
    /// <param name="spare">Workers that nobody uses.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <exception cref="Contracts.GenerationException">There is no room, with the numbers.</exception>
    public async Task<MemoryGrant> TakeAsync(LoadPlan plan, ISpareWorkers spare, CancellationToken cancellation)
    {
        await asking.WaitAsync(cancellation);
        try
        {
            while (true)
            {
                var room = Room;
                if (plan.Needed.TotalBytes <= room)
                {
                    return Grant(plan.Fit(room));
                }

                // Nobody is sent away for somebody who does not fit even then.
                var reachable = room + spare.Bytes;
                if (plan.Needed.TotalBytes > reachable || !await spare.EndOneAsync())
                {
                    throw MemoryRefusal.For(plan, Math.Min(reachable, Limit), wait: plan.Needed.TotalBytes <= Math.Min(Limit, room + Granted - spare.PinnedBytes)).ToException();
                }
            }
        }
        finally
        {
            asking.Release();
        }
    }

    private MemoryGrant Grant(MemoryEstimate estimate)
    {
        var grant = new MemoryGrant(estimate, GiveBack);
        lock (gate)
        {
            grants.Add(grant);
        }

        return grant;
    }

    private void GiveBack(MemoryGrant grant)
    {
        lock (gate)
        {
            grants.Remove(grant);
        }
    }
}

/// <summary>Loaded models that could make room.</summary>
internal interface ISpareWorkers
{
    /// <summary>What they all hold.</summary>
    long Bytes { get; }

    /// <summary>What those hold that are pinned: nobody who waits gets that.</summary>
    long PinnedBytes { get; }

    /// <summary>Ends the one that was used the longest time ago; false where none is left.</summary>
    Task<bool> EndOneAsync();
}

/// <summary>The right of one worker to its memory; disposing gives it back.</summary>
internal sealed class MemoryGrant(MemoryEstimate estimate, Action<MemoryGrant> giveBack) : IDisposable
{
    private volatile bool isSettled;

    public MemoryEstimate Estimate => estimate;

    public long Bytes => estimate.TotalBytes;

    /// <summary>The worker has what it asked the machine for.</summary>
    public bool IsSettled => isSettled;

    public void Settle() => isSettled = true;

    public void Dispose() => giveBack(this);
}
