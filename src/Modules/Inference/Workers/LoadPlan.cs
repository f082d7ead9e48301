using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Models;

namespace LlmPlatform.Inference.Workers;

/// <summary>How a model is about to be loaded: with which settings, and what that takes.</summary>
/// <param name="Name">The model.</param>
/// <param name="Path">Its file.</param>
/// <param name="Settings">Its own, completed by those of all models.</param>
/// <param name="Memory">What its header says; null where there is none to read, which the engine then reports.</param>
/// <param name="FileBytes">Size of its file.</param>
/// <param name="KeepAlive">How long it stays without use; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
internal sealed record LoadPlan(string Name, string Path, ModelSettings Settings, ModelMemory? Memory, long FileBytes, TimeSpan KeepAlive)
{
    private const int ShortestContext = 256;
    private const int MostSlots = 40; // those that run, and some that are remembered

    // A model that is told no number of slots takes this part of the whole for its cache, so that one alone does not fill the machine.
    private const int Part = 16;

    public KvCacheType KvCacheType => Settings.KvCacheType ?? KvCacheType.F16;

    /// <summary>The least it can work with: one full context.</summary>
    public MemoryEstimate Needed => Estimate(Memory?.ContextTokens(Settings.ContextTokens) ?? 0, KvCacheType);

    /// <summary>What it takes of the room it was given: more than it needs lets more conversations run and be remembered.</summary>
    public MemoryEstimate Fit(long room)
    {
        var needed = Needed;
        if (Memory is null)
        {
            return needed;
        }

        var one = Memory.KvBytes(needed.ContextTokens, KvCacheType);
        var wish = Settings.Slots is { } slots ? one * slots : Math.Min(one * MostSlots, Math.Max(one, room / Part));
        for (var kv = wish; kv > one; kv -= Math.Max((one / 4) + 1, (kv - one) / 4))
        {
            if (Memory.Estimate(needed.ContextTokens, KvCacheType, kv, Settings.Slots) is var estimate && estimate.TotalBytes <= room)
            {
                return estimate;
            }
        }

        return needed;
    }

    /// <summary>The longest context that fits into so much memory, in a number that people choose; null where none does.</summary>
    public MemoryEstimate? LargestThatFits(long room)
    {
        for (var tokens = ShortestContext * (long)(1 << 20); tokens >= ShortestContext; tokens /= 2)
        {
            if (tokens < Needed.ContextTokens && Estimate((int)tokens, KvCacheType) is var estimate && estimate.TotalBytes <= room)
            {
                return estimate;
            }
        }

        return null;
    }

    /// <summary>The same context, or else a shorter one, in the first smaller type with which it fits; null where none does.</summary>
    public MemoryEstimate? SmallerCacheThatFits(long room)
    {
        var smaller = KvCacheTypes.All.Where(type => type > KvCacheType && Memory?.Supports(type) == true)
            .Select(type => this with { Settings = Settings with { KvCacheType = type } }).ToArray();
        return smaller.Select(plan => plan.Needed).FirstOrDefault(estimate => estimate.TotalBytes <= room)
            ?? smaller.Select(plan => plan.LargestThatFits(room)).FirstOrDefault(estimate => estimate is not null);
    }

    private MemoryEstimate Estimate(int contextTokens, KvCacheType type) =>
        Memory?.Estimate(contextTokens, type, slots: Settings.Slots) ?? new MemoryEstimate(contextTokens, type, FileBytes, 0, 0, 0);
}
