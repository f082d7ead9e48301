using LlmPlatform.Inference.Engine.Llama;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>Who runs and who waits: takes requests in by turns of their tenants, and takes their places away where others need them more.</summary>
internal sealed partial class Admission(KvLayout layout, KvSlots slots, FairQueue waiting, LoadMeter meter, ILogger logger)
{
    // Cells kept free per running sequence at admission, or a newcomer would be thrown out again at once.
    private const int HeadroomTokens = 64;
    private const double Weight = 0.1;

    // In the order of admission: the last one gives way when the KV cache is full.
    private readonly List<Sequence> running = [];
    private TimeSpan averageService = TimeSpan.FromSeconds(1);

    // After the KV cache was full nobody is admitted until a sequence has left: a newcomer would only be thrown out again.
    private bool isFull;

    internal IReadOnlyList<Sequence> Running => running;

    internal int Waiting => waiting.Count;

    internal bool IsIdle => running.Count == 0 && waiting.Count == 0;

    /// <summary>False where too many wait already; the request has failed then.</summary>
    internal bool TryAdd(Sequence sequence)
    {
        if (waiting.TryAdd(sequence))
        {
            return true;
        }

        var wait = averageService * waiting.Count / layout.Running;
        sequence.Fail("queue.full", $"{waiting.Count} requests wait for this model already. Try again later.", retryAfter: wait);
        return false;
    }

    /// <summary>Ends what nobody waits for any more, and what has waited too long; answers what was ended.</summary>
    internal List<Sequence> DropUnwanted()
    {
        var unwanted = waiting.All.Where(sequence => sequence.EndIfUnwanted()).ToList();
        unwanted.ForEach(waiting.Remove);
        var leaving = running.FindAll(sequence => sequence.EndIfUnwanted());
        leaving.ForEach(Leave);
        return [.. unwanted, .. leaving];
    }

    /// <summary>Gives places to those that wait, as long as there are any.</summary>
    internal void Admit(LlamaContext context)
    {
        while (waiting.Count > 0 && TryAdmitOne(context))
        {
        }
    }

    /// <summary>A sequence is over.</summary>
    internal void Leave(Sequence sequence)
    {
        averageService += Weight * (sequence.Service - averageService);
        Detach(sequence);
        isFull = false;
    }

    /// <summary>The KV cache is full: the newest sequence frees its cells. False where only one runs.</summary>
    internal bool TryGiveWayToOlder(LlamaContext context)
    {
        if (running.Count == 1)
        {
            return false;
        }

        isFull = true;
        GiveWay(running[^1]);
        slots.Evict(context);
        return true;
    }

    /// <summary>Everything computed is lost; those that run begin again.</summary>
    internal void StartOver()
    {
        slots.ForgetAll();
        isFull = false;
        foreach (var sequence in running)
        {
            sequence.Computed = 0;
        }
    }

    private bool TryAdmitOne(LlamaContext context)
    {
        foreach (var next in waiting.Next())
        {
            if (running.Count >= layout.Running && !TryMakeRoomFor(next))
            {
                return false;
            }

            if (HasCellsFor(next) && slots.Find(next) is { } place && !slots.IsWorthWaiting(next, place.Reused))
            {
                waiting.Started(next);
                waiting.Remove(next);
                KvSlots.Take(place, next, context);
                meter.Reused(place.Reused);
                running.Add(next);
                return true;
            }
        }

        return false;
    }

    /// <summary>A tenant that has nothing running does not wait for one that has everything: the newest of that one's requests gives way.</summary>
    private bool TryMakeRoomFor(Sequence next)
    {
        if (waiting.RunningOf(next.Tenant) > 0)
        {
            return false;
        }

        var richest = running.GroupBy(sequence => sequence.Tenant).MaxBy(tenant => tenant.Count());
        if (richest is null || richest.Count() < 2)
        {
            return false;
        }

        GiveWay(richest.Last());
        return true;
    }

    private bool HasCellsFor(Sequence next) =>
        !layout.IsUnified
        || running.Count == 0
        || (!isFull && running.Sum(sequence => sequence.TokenList.Count + HeadroomTokens) + next.TokenList.Count + HeadroomTokens <= layout.Cells);

    /// <summary>A sequence leaves its place. It keeps its tokens and goes on when there is room, from what is left of it in the KV cache.</summary>
    private void GiveWay(Sequence sequence)
    {
        LogGivesWay(logger, sequence.Id);
        meter.Preempted();
        waiting.AddFirst(sequence);
        Detach(sequence);
    }

    private void Detach(Sequence sequence)
    {
        slots.Leave(sequence);
        waiting.Stopped(sequence);
        running.Remove(sequence);
    }

    [LoggerMessage(LogLevel.Information, "Sequence {Id} gives way")]
    private static partial void LogGivesWay(ILogger logger, ulong id);
}
