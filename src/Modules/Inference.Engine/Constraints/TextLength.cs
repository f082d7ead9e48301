namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>Holds a pattern to a number of characters, where that is possible: lengths it has anyhow, or repeats of one character.</summary>
internal static class TextLength
{
    private const long Endless = long.MaxValue / 4;

    /// <summary>Null where the pattern would have to be counted along the way.</summary>
    /// <param name="pattern">The pattern as it is written.</param>
    /// <param name="counted">The same pattern with one byte for each character.</param>
    /// <param name="min">The fewest characters.</param>
    /// <param name="max">The most characters; null: any number.</param>
    internal static Node? Limit(Node pattern, Node counted, int min, int? max)
    {
        var (least, most) = Of(counted);
        if (least >= min && most <= (max ?? Endless))
        {
            return pattern;
        }

        if (pattern is RepeatNode repeat && counted is RepeatNode { Body: var body } && Of(body) == (1, 1))
        {
            var (from, to) = (Math.Max(repeat.Min, min), repeat.Max is { } own ? Math.Min(own, max ?? own) : max);
            return from > to ? Node.Never : Node.Repeat(repeat.Body, from, to);
        }

        return null;
    }

    // A pattern has no rules, so this ends; its depth is that of the pattern.
    private static (long Least, long Most) Of(Node node) => node switch
    {
        SequenceNode sequence => sequence.Parts.Select(Of).Aggregate((Least: 0L, Most: 0L), (sum, p) => (Cap(sum.Least + p.Least), Cap(sum.Most + p.Most))),
        ChoiceNode { Options.Length: 0 } => (Endless, 0),
        ChoiceNode choice => choice.Options.Select(Of).Aggregate((a, b) => (Math.Min(a.Least, b.Least), Math.Max(a.Most, b.Most))),
        RepeatNode repeat when Of(repeat.Body) is var (least, most) =>
            (Times(least, repeat.Min), most == 0 ? 0 : repeat.Max is { } max ? Times(most, max) : Endless),
        _ => (1, 1),
    };

    private static long Cap(long length) => Math.Min(length, Endless);

    private static long Times(long length, int count) => (long)Math.Min((decimal)length * count, Endless);
}
