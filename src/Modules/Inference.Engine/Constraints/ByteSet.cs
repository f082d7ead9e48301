namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>A set of byte values.</summary>
internal readonly record struct ByteSet(ulong A, ulong B, ulong C, ulong D)
{
    internal bool IsEmpty => (A | B | C | D) == 0;

    internal static ByteSet Range(int first, int last)
    {
        Span<ulong> words = stackalloc ulong[4];
        words.Clear();
        for (var value = first; value <= last; value++)
        {
            words[value >> 6] |= 1UL << (value & 63);
        }

        return new ByteSet(words[0], words[1], words[2], words[3]);
    }

    internal static ByteSet Of(byte value) => (value >> 6) switch
    {
        0 => new ByteSet(1UL << value, 0, 0, 0),
        1 => new ByteSet(0, 1UL << (value & 63), 0, 0),
        2 => new ByteSet(0, 0, 1UL << (value & 63), 0),
        _ => new ByteSet(0, 0, 0, 1UL << (value & 63)),
    };

    public static ByteSet operator |(ByteSet left, ByteSet right) => new(left.A | right.A, left.B | right.B, left.C | right.C, left.D | right.D);

    internal ByteSet Without(ByteSet other) => new(A & ~other.A, B & ~other.B, C & ~other.C, D & ~other.D);

    internal bool Contains(byte value)
    {
        var word = (value >> 6) switch { 0 => A, 1 => B, 2 => C, _ => D };
        return ((word >> (value & 63)) & 1) != 0;
    }
}
