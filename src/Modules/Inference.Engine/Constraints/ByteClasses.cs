using System.Numerics;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>Splits the 256 byte values into classes that no set tells apart.</summary>
internal static class ByteClasses
{
    internal static (byte[] Classes, byte[] Members) Of(ReadOnlySpan<ByteSet> sets)
    {
        var classes = new byte[256];
        var sizes = new int[256];
        (sizes[0], var count) = (256, 1);
        Span<byte> members = stackalloc byte[256];
        foreach (var set in sets)
        {
            count = Split(members[..Values(set, members)], classes, sizes, count);
        }

        var first = new byte[count];
        for (var value = 255; value >= 0; value--)
        {
            first[classes[value]] = (byte)value;
        }

        return (classes, first);
    }

    private static int Split(ReadOnlySpan<byte> members, byte[] classes, int[] sizes, int count)
    {
        Span<int> inside = stackalloc int[256];
        Span<int> split = stackalloc int[256];
        inside.Clear();
        split.Clear();
        foreach (var value in members)
        {
            inside[classes[value]]++;
        }

        foreach (var value in members)
        {
            var old = classes[value];
            if (split[old] == 0 && inside[old] < sizes[old])
            {
                split[old] = count++;
                sizes[split[old]] = inside[old];
                sizes[old] -= inside[old];
                inside[old] = int.MaxValue;
            }

            classes[value] = split[old] > 0 ? (byte)split[old] : old;
        }

        return count;
    }

    private static int Values(ByteSet set, Span<byte> values)
    {
        var count = 0;
        ReadOnlySpan<ulong> words = [set.A, set.B, set.C, set.D];
        for (var word = 0; word < words.Length; word++)
        {
            for (var bits = words[word]; bits != 0; bits &= bits - 1)
            {
                values[count++] = (byte)((word * 64) + BitOperations.TrailingZeroCount(bits));
            }
        }

        return count;
    }
}
