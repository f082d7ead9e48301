namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>A set of Unicode characters without surrogates: sorted ranges that do not touch.</summary>
internal sealed class CodePoints
{
    private const int Last = 0x10FFFF;

    private CodePoints((int First, int Last)[] ranges) => Ranges = ranges;

    internal static CodePoints All { get; } = Of((0, Last));

    internal static CodePoints Digits { get; } = Of(('0', '9'));

    internal static CodePoints Words { get; } = Of(('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z'));

    internal static CodePoints Spaces { get; } = Of(('\t', '\r'), (' ', ' '));

    /// <summary>What any common dialect takes for white space: characters that are none in all of them are outside.</summary>
    internal static CodePoints AnySpaces { get; } = Of(
        ('\t', '\r'), (0x1C, ' '), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x180E, 0x180E), (0x2000, 0x200A), (0x2028, 0x2029),
        (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF));

    internal static CodePoints LineEnds { get; } = Of(('\n', '\n'), ('\r', '\r'), (0x2028, 0x2029));

    internal (int First, int Last)[] Ranges { get; }

    internal bool IsEmpty => Ranges.Length == 0;

    internal static CodePoints Of(params (int First, int Last)[] ranges)
    {
        var merged = new List<(int First, int Last)>();
        foreach (var range in ranges.SelectMany(AroundSurrogates).OrderBy(r => r.First))
        {
            if (merged.Count > 0 && range.First <= merged[^1].Last + 1)
            {
                merged[^1] = (merged[^1].First, Math.Max(merged[^1].Last, range.Last));
            }
            else
            {
                merged.Add(range);
            }
        }

        return new CodePoints([.. merged]);
    }

    internal static CodePoints Of(int codePoint) => Of((codePoint, codePoint));

    internal CodePoints Union(CodePoints other) => Of([.. Ranges, .. other.Ranges]);

    internal CodePoints Complement()
    {
        var gaps = new List<(int First, int Last)>();
        var next = 0;
        foreach (var (first, last) in Ranges)
        {
            if (first > next)
            {
                gaps.Add((next, first - 1));
            }

            next = last + 1;
        }

        if (next <= Last)
        {
            gaps.Add((next, Last));
        }

        return Of([.. gaps]);
    }

    internal CodePoints Without(CodePoints other) => Complement().Union(other).Complement();

    internal bool Contains(int codePoint) => Array.Exists(Ranges, r => codePoint >= r.First && codePoint <= r.Last);

    private static IEnumerable<(int First, int Last)> AroundSurrogates((int First, int Last) range)
    {
        if (range.First < 0xD800 && range.First <= range.Last)
        {
            yield return (range.First, Math.Min(range.Last, 0xD7FF));
        }

        if (range.Last > 0xDFFF && range.First <= range.Last)
        {
            yield return (Math.Max(range.First, 0xE000), range.Last);
        }
    }
}
