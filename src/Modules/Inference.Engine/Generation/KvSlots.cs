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

    /// <summary>The sequence of another slot goes on here.</summary>
    internal void MoveHere(KvSlot other)
    {
        Clear();
        Take(other.User!);
        User!.Slot = id;
        other.User = null;
        other.Clear();
    }
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
    // Slots of one step have to lie side by side, or llama.cpp computes it in several parts, until somebody leaves or moves.
    private const int StepsApart = 8;

    private readonly KvSlot[] slots = [.. Enumerable.Range(0, layout.Slots).Select(id => new KvSlot(id))];

    private double spentApart;

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
        foreach (var slot in slots.Where(slot => slot.IsFree))
        {
            var own = Beginning(slot, sequence.Tenant, wanted);
            var price = ((wanted.Length - own) * clock.PrefillMicroseconds) + Loss(slot, own) + (MoreParts(slot) * StepsApart * clock.StepMicroseconds);
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

    /// <summary>
    /// Called after a step for several sequences. Sequences that do not lie side by side make a step of each group; once that has cost as much
    /// as moving the smallest group to another would, it moves (rent until the rent has reached the price, then buy). Answers how many moved.
    /// </summary>
    internal int Gather(LlamaContext context)
    {
        var groups = layout.IsUnified || !canStepBack ? [] : Groups();
        if (groups.Count < 2)
        {
            spentApart = 0;
            return 0;
        }

        spentApart += (groups.Count - 1) * clock.StepMicroseconds;
        var smallest = groups.MinBy(group => group.Count)!;
        if (spentApart < CopyMicroseconds(0) * smallest.Count || Nearest(groups, smallest) is not var (moves, price) || spentApart < price)
        {
            return 0;
        }

        spentApart = 0;
        foreach (var (from, to) in moves)
        {
            context.Copy(from, to);
            context.Forget(from);
            slots[to].MoveHere(slots[from]);
        }

        return moves.Count;
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

    /// <summary>Into how many more parts a step falls if this free slot is used as well: one fewer where it closes a gap.</summary>
    private int MoreParts(KvSlot added)
    {
        return layout.IsUnified || Array.TrueForAll(slots, slot => slot.IsFree) ? 0 : 1 - Used(added.Id - 1) - Used(added.Id + 1);

        int Used(int id) => id >= 0 && id < slots.Length && !slots[id].IsFree ? 1 : 0;
    }

    /// <summary>The slots in use, those that lie side by side together.</summary>
    private List<List<int>> Groups()
    {
        List<List<int>> groups = [];
        foreach (var slot in slots.Where(slot => !slot.IsFree))
        {
            if (groups.Count > 0 && groups[^1][^1] == slot.Id - 1)
            {
                groups[^1].Add(slot.Id);
            }
            else
            {
                groups.Add([slot.Id]);
            }
        }

        return groups;
    }

    /// <summary>The cheapest way for a group to get beside another one, and what it costs in microseconds; null where all ways are blocked.</summary>
    private (List<(int From, int To)> Moves, double Price)? Nearest(List<List<int>> groups, List<int> group)
    {
        (List<(int From, int To)> Moves, double Price)? best = null;
        foreach (var other in groups.Where(other => other != group))
        {
            foreach (var first in new[] { other[0] - group.Count, other[^1] + 1 })
            {
                var places = Enumerable.Range(first, group.Count).ToList();
                if (first < 0 || places[^1] >= slots.Length || !places.TrueForAll(place => slots[place].IsFree || group.Contains(place)))
                {
                    continue;
                }

                var moves = group.Except(places).Zip(places.Except(group)).ToList();
                var price = moves.Sum(move => CopyMicroseconds(0) + Loss(slots[move.Second], 0));
                best = best is null || price < best.Value.Price ? (moves, price) : best;
            }
        }

        return best;
    }
}
