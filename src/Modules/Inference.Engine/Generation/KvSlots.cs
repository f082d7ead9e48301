using System.Diagnostics;
using System.Runtime.InteropServices;
using LlmPlatform.Inference.Engine.Llama;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>A sequence of the KV cache: in use, or kept because a later request of its tenant may begin the same way.</summary>
internal sealed class KvSlot(int id)
{
    private List<int> tokens = [];
    private int length;

    internal int Id => id;

    internal string Tenant { get; private set; } = "";

    internal Sequence? User { get; private set; }

    internal long LastUsed { get; private set; }

    internal bool IsFree => User is null;

    /// <summary>What is computed, token by token.</summary>
    internal ReadOnlySpan<int> Resident => User is { } user
        ? CollectionsMarshal.AsSpan(user.TokenList)[..user.Computed]
        : CollectionsMarshal.AsSpan(tokens)[..length];

    internal void Take(Sequence user) => (User, Tenant) = (user, user.Tenant);

    internal void Leave()
    {
        (tokens, length, User, LastUsed) = (User!.TokenList, User.Computed, null, Stopwatch.GetTimestamp());
    }

    internal void Clear() => (tokens, length) = ([], 0);
}

/// <summary>Where a request goes, and what it need not compute again.</summary>
/// <param name="Slot">Its place.</param>
/// <param name="Source">The slot whose beginning is copied there; the place itself where that holds the most.</param>
/// <param name="Reused">Tokens that are there already.</param>
internal readonly record struct Placement(KvSlot Slot, KvSlot Source, int Reused);

/// <summary>
/// The slots of the KV cache, and which request gets which. A beginning is found by comparing tokens: with at most 64 slots that takes
/// microseconds, and what is compared is never another tenant's. Every place has a price in microseconds - tokens to compute, buffers
/// to copy, what is lost by overwriting - and the cheapest wins.
/// </summary>
internal sealed class KvSlots(KvLayout layout, long bytesPerToken, bool canStepBack, StepClock clock)
{
    // Below this a beginning is not worth a copy or a wait.
    private const int ShortBeginning = 32;
    private const double CopyBytesPerMicrosecond = 4000;
    private const double CellsSharedPerMicrosecond = 5;
    // An even chance that what is kept is asked for soon; it fades.
    private const double WorthOfKept = 0.5;
    private static readonly TimeSpan WorthHalves = TimeSpan.FromSeconds(60);
    // Slots of one step have to lie side by side, or llama.cpp computes it in several parts, for as long as the request runs.
    private const int StepsApart = 32;

    private readonly KvSlot[] slots = [.. Enumerable.Range(0, layout.Slots).Select(id => new KvSlot(id))];

    internal IEnumerable<KvSlot> Kept => slots.Where(slot => slot.IsFree && slot.Resident.Length > 0);

    internal long TotalCells => layout.Cells;

    internal long Cells => slots.Sum(slot => (long)slot.Resident.Length);

    /// <summary>Null where all slots are in use.</summary>
    internal Placement? Find(Sequence sequence)
    {
        Placement? best = null;
        var bestPrice = double.PositiveInfinity;
        // The last token has to be computed in any case: its scores are what is wanted.
        var wanted = CollectionsMarshal.AsSpan(sequence.TokenList)[..^1];
        var (source, shared) = LongestBeginning(sequence.Tenant, wanted);
        var parts = Parts(null);
        foreach (var slot in slots.Where(slot => slot.IsFree))
        {
            var own = Beginning(slot, sequence.Tenant, wanted);
            var price = ((wanted.Length - own) * clock.PrefillMicroseconds) + Loss(slot, own) + ((Parts(slot) - parts) * StepsApart * clock.StepMicroseconds);
            if (price < bestPrice)
            {
                (best, bestPrice) = (new Placement(slot, slot, own), price);
            }

            if (source is not null && source != slot && shared >= own + ShortBeginning)
            {
                price += CopyMicroseconds(shared) - ((shared - own) * clock.PrefillMicroseconds) + Loss(slot, 0) - Loss(slot, own);
                if (price < bestPrice)
                {
                    (best, bestPrice) = (new Placement(slot, source, shared), price);
                }
            }
        }

        return best;
    }

    /// <summary>Whether another request of the tenant is just computing a beginning that this one shares: it is quicker to wait.</summary>
    internal bool IsWorthWaiting(Sequence sequence, int reused)
    {
        if (!canStepBack)
        {
            return false;
        }

        var wanted = CollectionsMarshal.AsSpan(sequence.TokenList)[..^1];
        foreach (var slot in slots)
        {
            if (slot.User is { Remaining: > 1 } other && other.Tenant == sequence.Tenant)
            {
                var shared = wanted.CommonPrefixLength(CollectionsMarshal.AsSpan(other.TokenList)[..^1]);
                if (shared >= reused + ShortBeginning && other.Computed < shared)
                {
                    return true;
                }
            }
        }

        return false;
    }

    internal static void Take(Placement place, Sequence sequence, LlamaContext context)
    {
        if (place.Source != place.Slot)
        {
            context.Copy(place.Source.Id, place.Slot.Id);
        }

        var reused = place.Reused;
        if (reused == 0 || !context.TryTruncate(place.Slot.Id, reused))
        {
            context.Forget(place.Slot.Id);
            reused = 0;
        }

        place.Slot.Clear();
        place.Slot.Take(sequence);
        sequence.Slot = place.Slot.Id;
        sequence.Reuse(reused);
    }

    /// <summary>What is computed stays for the next request that begins like this one.</summary>
    internal void Leave(Sequence sequence) => slots[sequence.Slot].Leave();

    /// <summary>Frees the cells of what has been unused for longest; false where nothing is kept.</summary>
    internal bool Evict(LlamaContext context)
    {
        if (Kept.MinBy(slot => slot.LastUsed) is not { } oldest)
        {
            return false;
        }

        context.Forget(oldest.Id);
        oldest.Clear();
        return true;
    }

    /// <summary>The context was built anew, and nothing is computed any more.</summary>
    internal void ForgetAll()
    {
        foreach (var slot in slots.Where(slot => slot.IsFree))
        {
            slot.Clear();
        }
    }

    private (KvSlot? Slot, int Length) LongestBeginning(string tenant, ReadOnlySpan<int> wanted)
    {
        var best = (Slot: (KvSlot?)null, Length: 0);
        foreach (var slot in canStepBack ? slots : [])
        {
            var length = Beginning(slot, tenant, wanted);
            best = length > best.Length ? (slot, length) : best;
        }

        return best;
    }

    private int Beginning(KvSlot slot, string tenant, ReadOnlySpan<int> wanted)
    {
        if (slot.Tenant != tenant)
        {
            return 0; // never another's, not even to learn that it would fit
        }

        var resident = slot.Resident;
        var length = resident.CommonPrefixLength(wanted);
        return length == resident.Length || canStepBack ? length : 0;
    }

    private double Loss(KvSlot slot, int kept)
    {
        var lost = slot.Resident.Length - kept;
        return lost <= 0 ? 0 : lost * clock.PrefillMicroseconds * WorthOfKept * Math.Pow(2, -Stopwatch.GetElapsedTime(slot.LastUsed) / WorthHalves);
    }

    private double CopyMicroseconds(int tokens) => layout.IsUnified
        ? tokens / CellsSharedPerMicrosecond
        : layout.Cells / layout.Slots * bytesPerToken / CopyBytesPerMicrosecond;

    /// <summary>Into how many parts a step falls if this slot is used as well.</summary>
    private int Parts(KvSlot? added)
    {
        if (layout.IsUnified)
        {
            return 1;
        }

        var parts = 0;
        for (var index = 0; index < slots.Length; index++)
        {
            if (IsUsed(index) && (index == 0 || !IsUsed(index - 1)))
            {
                parts++;
            }
        }

        return Math.Max(1, parts);

        bool IsUsed(int index) => !slots[index].IsFree || slots[index] == added;
    }
}
