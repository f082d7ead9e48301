using System.Collections.Concurrent;

namespace LlmPlatform.Inference.Workers;

/// <summary>The models of a pool that nobody uses, in the order in which they go: least recently used first, those that should stay for ever last.</summary>
internal sealed class SpareWorkers(ConcurrentDictionary<string, ModelSlot> slots) : ISpareWorkers
{
    public long Bytes => slots.Values.Sum(slot => slot.Idle?.Bytes ?? 0);

    public long PinnedBytes => slots.Values.Sum(slot => slot.PinnedBytes);

    public async Task<bool> EndOneAsync()
    {
        var idle = slots.Values.Select(slot => (Slot: slot, slot.Idle)).Where(s => s.Idle is not null)
            .OrderBy(s => s.Idle!.StaysForEver).ThenBy(s => s.Idle!.LastUsed);
        foreach (var (slot, _) in idle)
        {
            // Somebody may have come for it in between.
            if (await slot.EndIdleAsync(onlyIfStale: false))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>A loaded model that nobody uses.</summary>
internal sealed record IdleWorker(long LastUsed, long Bytes, bool StaysForEver);
