namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>Splits the 256 byte values into classes that no set tells apart.</summary>
internal static class ByteClasses
{
    internal static (byte[] Classes, byte[] Members) Of(ReadOnlySpan<ByteSet> sets)
    {
        var classes = new byte[256];
        var count = 1;
        Span<int> split = stackalloc int[256];
        Span<int> sizes = stackalloc int[256];
        Span<int> inside = stackalloc int[256];
        foreach (var set in sets)
        {
            Count(classes, set, sizes, inside);
            split.Fill(-1);
            for (var value = 0; value < 256; value++)
            {
                var old = classes[value];
                if (inside[old] > 0 && inside[old] < sizes[old] && set.Contains((byte)value))
                {
                    split[old] = split[old] < 0 ? count++ : split[old];
                    classes[value] = (byte)split[old];
                }
            }
        }

        var members = new byte[count];
        for (var value = 255; value >= 0; value--)
        {
            members[classes[value]] = (byte)value;
        }

        return (classes, members);
    }

    private static void Count(byte[] classes, ByteSet set, Span<int> sizes, Span<int> inside)
    {
        sizes.Clear();
        inside.Clear();
        for (var value = 0; value < 256; value++)
        {
            sizes[classes[value]]++;
            inside[classes[value]] += set.Contains((byte)value) ? 1 : 0;
        }
    }
}
