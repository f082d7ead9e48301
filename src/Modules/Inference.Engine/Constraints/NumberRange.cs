using System.Globalization;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>The decimal forms of the numbers between two bounds. No bound: what a double still counts one by one.</summary>
internal static class NumberRange
{
    private const decimal Widest = 9_007_199_254_740_991m;
    private const int FractionDigits = 12;

    /// <summary>Bounds beyond this are refused: a double no longer tells their neighbours apart.</summary>
    internal const decimal FurthestBound = 1_000_000_000_000_000m;

    internal static Node Integers(Bound? min, Bound? max)
    {
        var low = min is null ? -Widest : min.IsOpen ? decimal.Floor(min.Value) + 1 : decimal.Ceiling(min.Value);
        var high = max is null ? Widest : max.IsOpen ? decimal.Ceiling(max.Value) - 1 : decimal.Floor(max.Value);
        return Node.Choice(Sign(Whole(Math.Max(1, -high), -low)), Whole(Math.Max(0, low), high));
    }

    internal static Node Numbers(Bound? min, Bound? max)
    {
        var low = min ?? new Bound(-Widest, IsOpen: false);
        var high = max ?? new Bound(Widest, IsOpen: false);
        var zero = new Bound(0, IsOpen: false);
        var belowZero = high.Value < 0 ? new Bound(-high.Value, high.IsOpen) : new Bound(0, IsOpen: true);
        return Node.Choice(
            low.Value < 0 ? Sign(Positive(belowZero, new Bound(-low.Value, low.IsOpen))) : Node.Never,
            high.Value >= 0 ? Positive(low.Value < 0 ? zero : low, high) : Node.Never);
    }

    private static Node Sign(Node number) => Node.Sequence(Node.Byte((byte)'-'), number);

    private static Node Positive(Bound low, Bound high)
    {
        var (lowWhole, lowFraction) = Split(low.Value);
        var (highWhole, highFraction) = Split(high.Value);
        if (lowWhole > highWhole)
        {
            return Node.Never;
        }

        if (lowWhole == highWhole)
        {
            return Node.Sequence(Digits(lowWhole), Fraction(lowFraction, low.IsOpen, highFraction, high.IsOpen));
        }

        return Node.Choice(
            Node.Sequence(Digits(lowWhole), Fraction(lowFraction, low.IsOpen, null, false)),
            Node.Sequence(Whole(lowWhole + 1, highWhole - 1), Fraction("", false, null, false)),
            Node.Sequence(Digits(highWhole), Fraction("", false, highFraction, high.IsOpen)));
    }

    private static (decimal Whole, string Fraction) Split(decimal value)
    {
        var whole = decimal.Floor(value);
        var fraction = (value - whole).ToString(CultureInfo.InvariantCulture).TrimEnd('0');
        return (whole, fraction.Length > 2 ? fraction[2..] : "");
    }

    private static Node Digits(decimal value) => Node.Literal(Text(value));

    private static string Text(decimal value) => value.ToString("F0", CultureInfo.InvariantCulture);

    private static Node Whole(decimal low, decimal high)
    {
        if (low > high)
        {
            return Node.Never;
        }

        var (first, last) = (Text(low), Text(high));
        var options = new List<Node>();
        for (var length = first.Length; length <= last.Length; length++)
        {
            var from = length == first.Length ? first : "1" + new string('0', length - 1);
            var to = length == last.Length ? last : new string('9', length);
            options.Add(SameLength(from, to));
        }

        return Node.Choice([.. options]);
    }

    /// <summary>Digit strings between two of the same length; each call drops a digit.</summary>
    private static Node SameLength(string low, string high)
    {
        if (low.Length == 0)
        {
            return Node.Empty;
        }

        if (low.All(c => c == '0') && high.All(c => c == '9'))
        {
            return Node.Repeat(Digit('0', '9'), low.Length, low.Length);
        }

        if (low[0] == high[0])
        {
            return Node.Sequence(Digit(low[0], low[0]), SameLength(low[1..], high[1..]));
        }

        var rest = low.Length - 1;
        return Node.Choice(
            Node.Sequence(Digit(low[0], low[0]), SameLength(low[1..], new string('9', rest))),
            Node.Sequence(Digit(low[0] + 1, high[0] - 1), Node.Repeat(Digit('0', '9'), rest, rest)),
            Node.Sequence(Digit(high[0], high[0]), SameLength(new string('0', rest), high[1..])));
    }

    private static Node Fraction(string low, bool isLowOpen, string? high, bool isHighOpen)
    {
        var mayBeNone = low.Length == 0 && !isLowOpen && (high is null || high.Length > 0 || !isHighOpen);
        var digits = Tail(low, isLowOpen, high, isHighOpen, FractionDigits, isFirst: true);
        var written = Node.Sequence(Node.Byte((byte)'.'), digits);
        return mayBeNone ? Node.Optional(written) : written;
    }

    /// <summary>
    /// Digits d, some if first, with 0.low &lt;= 0.d &lt;= 0.high; no high: no bound above. Each call drops a digit of both, so it ends with the longer one.
    /// </summary>
    private static Node Tail(string low, bool isLowOpen, string? high, bool isHighOpen, int room, bool isFirst)
    {
        if (low.Length == 0 && !isLowOpen && high is null)
        {
            return Node.Repeat(Digit('0', '9'), isFirst ? 1 : 0, Math.Max(room, 1));
        }

        if (room == 0 && low.Length == 0 && string.IsNullOrEmpty(high))
        {
            return isLowOpen || (high is not null && isHighOpen) ? Node.Never : Node.Empty;
        }

        var mayEnd = !isFirst && low.Length == 0 && !isLowOpen && (high is null || high.Length > 0 || !isHighOpen);
        var options = new List<Node>();
        if (mayEnd)
        {
            options.Add(Node.Empty);
        }

        var (from, to) = (low.Length > 0 ? low[0] : '0', high is null ? '9' : high.Length > 0 ? high[0] : '0');
        var (lowRest, highRest) = (low.Length > 0 ? low[1..] : "", high?.Length > 0 ? high[1..] : high);
        var left = Math.Max(room - 1, 0);
        if (from == to)
        {
            options.Add(Node.Sequence(Digit(from, from), Tail(lowRest, isLowOpen, highRest, isHighOpen, left, isFirst: false)));
        }
        else if (from < to)
        {
            options.Add(Node.Sequence(Digit(from, from), Tail(lowRest, isLowOpen, null, false, left, isFirst: false)));
            options.Add(Node.Sequence(Digit(from + 1, high is null ? to : to - 1), Node.Repeat(Digit('0', '9'), 0, left)));
            if (high is not null)
            {
                options.Add(Node.Sequence(Digit(to, to), Tail("", false, highRest, isHighOpen, left, isFirst: false)));
            }
        }

        return Node.Choice([.. options]);
    }

    private static Node Digit(int first, int last) => first <= last ? Node.Bytes(ByteSet.Range(first, last)) : Node.Never;
}

/// <summary>Open: the value itself is outside.</summary>
internal sealed record Bound(decimal Value, bool IsOpen);
