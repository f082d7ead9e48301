namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>
/// Text around the first occurrence of a marker: one rule for each number of bytes of the marker that the text ends with, and each place
/// inside a character where it may not be cut.
/// </summary>
internal static class MarkedText
{
    /// <summary>Text up to the marker and with it.</summary>
    internal static Node Until(byte[] marker, Rules rules, Work work) => new Builder(marker, isWithout: false, rules, work).Build();

    /// <summary>Text in which the marker does not occur.</summary>
    internal static Node Without(byte[] marker, Rules rules, Work work) => new Builder(marker, isWithout: true, rules, work).Build();

    // The length of the longest proper prefix that the first n bytes end with.
    private static int[] Failures(byte[] marker)
    {
        var failure = new int[marker.Length + 1];
        for (var (i, k) = (1, 0); i < marker.Length; i++)
        {
            while (k > 0 && marker[i] != marker[k])
            {
                k = failure[k];
            }

            k += marker[i] == marker[k] ? 1 : 0;
            failure[i + 1] = k;
        }

        return failure;
    }

    private enum Utf8State
    {
        Whole,
        OneLeft,
        TwoLeft,
        ThreeLeft,
        AfterE0,
        AfterED,
        AfterF0,
        AfterF4,
    }

    private sealed class Builder(byte[] marker, bool isWithout, Rules rules, Work work)
    {
        private readonly int[] failure = Failures(marker);
        private readonly Dictionary<(int, Utf8State), RuleNode> known = [];
        private readonly Queue<(int Rule, int Matched, Utf8State State)> pending = new();

        internal Node Build()
        {
            var start = RuleOf(0, Utf8State.Whole);
            while (pending.TryDequeue(out var next))
            {
                rules.Define(next.Rule, Define(next.Matched, next.State));
            }

            return start;
        }

        private RuleNode RuleOf(int matched, Utf8State state)
        {
            if (!known.TryGetValue((matched, state), out var rule))
            {
                rule = new RuleNode(rules.Declare());
                known.Add((matched, state), rule);
                pending.Enqueue((rule.Rule, matched, state));
            }

            return rule;
        }

        private Node Define(int matched, Utf8State state)
        {
            work.Spend(256);
            var byTarget = new Dictionary<Node, ByteSet>();
            for (var value = 0; value < 256; value++)
            {
                if (After(state, value) is { } next)
                {
                    var reached = Advance(matched, (byte)value);
                    var target = reached < marker.Length ? RuleOf(reached, next) : isWithout ? Node.Never : Node.Empty;
                    byTarget[target] = byTarget.GetValueOrDefault(target) | ByteSet.Of((byte)value);
                }
            }

            var end = isWithout && state == Utf8State.Whole ? Node.Empty : Node.Never;
            return Node.Choice([.. byTarget.Select(t => Node.Sequence(Node.Bytes(t.Value), t.Key)), end]);
        }

        private int Advance(int matched, byte value)
        {
            while (matched > 0 && marker[matched] != value)
            {
                work.Spend();
                matched = failure[matched];
            }

            return marker[matched] == value ? matched + 1 : 0;
        }

        private static Utf8State? After(Utf8State state, int value) => (state, value) switch
        {
            (Utf8State.Whole, <= 0x7F) => Utf8State.Whole,
            (Utf8State.Whole, >= 0xC2 and <= 0xDF) => Utf8State.OneLeft,
            (Utf8State.Whole, 0xE0) => Utf8State.AfterE0,
            (Utf8State.Whole, 0xED) => Utf8State.AfterED,
            (Utf8State.Whole, >= 0xE1 and <= 0xEF) => Utf8State.TwoLeft,
            (Utf8State.Whole, 0xF0) => Utf8State.AfterF0,
            (Utf8State.Whole, >= 0xF1 and <= 0xF3) => Utf8State.ThreeLeft,
            (Utf8State.Whole, 0xF4) => Utf8State.AfterF4,
            (Utf8State.OneLeft, >= 0x80 and <= 0xBF) => Utf8State.Whole,
            (Utf8State.TwoLeft, >= 0x80 and <= 0xBF) => Utf8State.OneLeft,
            (Utf8State.AfterE0, >= 0xA0 and <= 0xBF) => Utf8State.OneLeft,
            (Utf8State.AfterED, >= 0x80 and <= 0x9F) => Utf8State.OneLeft,
            (Utf8State.ThreeLeft, >= 0x80 and <= 0xBF) => Utf8State.TwoLeft,
            (Utf8State.AfterF0, >= 0x90 and <= 0xBF) => Utf8State.TwoLeft,
            (Utf8State.AfterF4, >= 0x80 and <= 0x8F) => Utf8State.TwoLeft,
            _ => null,
        };
    }
}
