using System.Collections.Concurrent;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>What running a constraint has found out. It grows up to a size and is then left behind for a new one.</summary>
internal sealed class Memory
{
    private readonly ConcurrentDictionary<Positions, Positions> positions = new();
    private readonly ConcurrentDictionary<Positions, TokenMask> masks = new();
    private int units;

    internal bool IsFull => Volatile.Read(ref units) > ConstraintLimits.MemoryUnits;

    internal Positions Intern(Frame[] frames, bool mayEnd, int classes)
    {
        var candidate = new Positions(frames, mayEnd, this, classes);
        var known = positions.GetOrAdd(candidate, candidate);
        if (ReferenceEquals(known, candidate))
        {
            Grow(2 + frames.Length);
        }

        return known;
    }

    internal void Grow(int by) => Interlocked.Add(ref units, by);

    internal TokenMask? FindMask(Positions representative) => masks.GetValueOrDefault(representative);

    internal void Keep(Positions representative, TokenMask mask)
    {
        if (masks.TryAdd(representative, mask))
        {
            Grow(2 + mask.Units + representative.Frames.Length);
        }
    }
}
