namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>
/// All places at which a text can be: frames whose states read something. Immutable but for what has been found out about it; several
/// threads may find out the same.
/// </summary>
internal sealed class Positions : IEquatable<Positions>
{
    private readonly int hash;
    private readonly int classes;

    // Most positions are only passed to be masked; where they lead to is room that few need.
    private Positions?[]? next;

    internal Positions(Frame[] frames, bool mayEnd, Memory memory, int classes)
    {
        (Frames, MayEnd, Memory, this.classes) = (frames, mayEnd, memory, classes);
        hash = frames.Aggregate(mayEnd ? 1 : 0, (h, f) => HashCode.Combine(h, f));
    }

    internal Frame[] Frames { get; }

    internal bool MayEnd { get; }

    /// <summary>The memory that this is remembered in; what is known here is not used with another.</summary>
    internal Memory Memory { get; }

    internal TokenMask? Mask { get; set; }

    /// <summary>Where a byte of the class leads; no frames and no end: nowhere. Null: not known yet.</summary>
    internal Positions? this[byte byteClass]
    {
        get => Volatile.Read(ref next) is { } known ? Volatile.Read(ref known[byteClass]) : null;
        set => Volatile.Write(ref (Volatile.Read(ref next) ?? MakeNext())[byteClass], value);
    }

    internal bool IsNowhere => Frames.Length == 0 && !MayEnd;

    public bool Equals(Positions? other) => other is not null && hash == other.hash && MayEnd == other.MayEnd && Frames.AsSpan().SequenceEqual(other.Frames);

    public override bool Equals(object? obj) => Equals(obj as Positions);

    public override int GetHashCode() => hash;

    private Positions?[] MakeNext()
    {
        var made = new Positions?[classes];
        if (Interlocked.CompareExchange(ref next, made, null) is { } earlier)
        {
            return earlier;
        }

        Memory.Grow(classes / 8);
        return made;
    }
}
