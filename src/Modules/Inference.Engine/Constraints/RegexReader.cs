using System.Text;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>
/// Reads the common subset of regular expressions: literals, classes, \d \w \s, the dot, groups, alternation, greedy and lazy quantifiers,
/// anchors where the text begins and ends. What looks around or back is refused.
/// </summary>
internal sealed class RegexReader : NotationReader
{
    private readonly string pattern;
    private readonly TextForm form;
    private readonly Node any;
    private readonly Work work;
    private int depth;

    // Inside a class that says what may not come. Dialects differ in what is white space, so what is written is it in all or in none.
    private bool isOutside;

    private RegexReader(string pattern, TextForm form, Node any, Work work, string where)
        : base(pattern, where) => (this.pattern, this.form, this.any, this.work) = (pattern, form, any, work);

    /// <summary>The pattern for a whole text; anchors are allowed and change nothing.</summary>
    internal static Node ReadWhole(string pattern, TextForm form, Work work, string where) => Read(pattern, form, Node.Empty, work, where);

    /// <summary>The pattern as it may occur anywhere in a text, where it is not anchored; any is the text around it.</summary>
    internal static Node ReadWithin(string pattern, TextForm form, Node any, Work work, string where) => Read(pattern, form, any, work, where);

    private static Node Read(string pattern, TextForm form, Node any, Work work, string where)
    {
        if (pattern.Length > ConstraintLimits.Pattern)
        {
            throw ConstraintErrors.TooLarge($"The pattern is longer than {ConstraintLimits.Pattern} characters", where);
        }

        var reader = new RegexReader(pattern, form, any, work, where);
        var node = reader.ReadAlternatives(isTop: true);
        return reader.At == pattern.Length ? node : throw reader.Invalid("A closing parenthesis without an opening one");
    }

    private Node ReadAlternatives(bool isTop)
    {
        if (++depth > ConstraintLimits.Depth)
        {
            throw ConstraintErrors.TooLarge($"The pattern nests deeper than {ConstraintLimits.Depth}", Place);
        }

        var options = new List<Node>();
        do
        {
            options.Add(ReadOption(isTop));
        }
        while (Take('|'));
        depth--;
        return Node.Choice([.. options]);
    }

    private Node ReadOption(bool isTop)
    {
        var parts = new List<Node>();
        var isOpenAtStart = !isTop || !Take('^');
        var isOpenAtEnd = true;
        while (At < pattern.Length && Peek() is not ('|' or ')'))
        {
            work.Spend();
            if (isTop && Peek() == '$' && (At + 1 == pattern.Length || pattern[At + 1] == '|'))
            {
                At++;
                isOpenAtEnd = false;
                break;
            }

            parts.Add(ReadQuantified());
        }

        var option = Node.Sequence([.. parts]);
        return isTop ? Node.Sequence(isOpenAtStart ? any : Node.Empty, option, isOpenAtEnd ? any : Node.Empty) : option;
    }

    private Node ReadQuantified()
    {
        var node = ReadAtom();
        var isQuantified = false;
        while (At < pattern.Length && ReadBounds() is var (min, max))
        {
            if (isQuantified)
            {
                throw Invalid("Two quantifiers in a row");
            }

            isQuantified = true;
            node = Node.Repeat(node, min, max);
            if (Take('+'))
            {
                throw Unsupported("possessive quantifier");
            }

            Take('?');
        }

        return node;
    }

    private (int Min, int? Max)? ReadBounds()
    {
        if (Take('*'))
        {
            return (0, null);
        }

        if (Take('+'))
        {
            return (1, null);
        }

        if (Take('?'))
        {
            return (0, 1);
        }

        return Take('{') ? ReadCounts() : null;
    }

    private (int Min, int? Max) ReadCounts()
    {
        var min = ReadNumber();
        int? max = min;
        if (Take(','))
        {
            max = Peek() == '}' ? null : ReadNumber();
        }

        Expect('}');
        return max < min ? throw Invalid("A quantifier that ends before it begins") : (min, max);
    }

    private Node ReadAtom()
    {
        switch (Peek())
        {
            case '(':
                return ReadGroup();
            case '[':
                At++;
                return form.Write(ReadClass());
            case '.':
                At++;
                return form.Write(CodePoints.LineEnds.Complement());
            case '\\':
                At++;
                return form.Write(ReadEscape(isInClass: false));
            case '*' or '+' or '?' or '{':
                throw Invalid("A quantifier with nothing to repeat");
            case '^' or '$':
                throw Unsupported("anchor inside a pattern");
            case '}' or ']':
                throw Invalid("A bracket that was not opened");
            default:
                return form.Write(CodePoints.Of(ReadRune()));
        }
    }

    private Node ReadGroup()
    {
        At++;
        if (Take('?') && !Take(':'))
        {
            throw Unsupported($"(?{Peek()}");
        }

        var body = ReadAlternatives(isTop: false);
        Expect(')');
        return body;
    }

    private CodePoints ReadClass()
    {
        var isNegated = isOutside = Take('^');
        var ranges = new List<(int, int)>();
        var isFirst = true;
        while (isFirst || Peek() != ']')
        {
            work.Spend();
            if (At >= pattern.Length)
            {
                throw Invalid("A class that is not closed");
            }

            if (isFirst && Peek() == ']')
            {
                throw Unsupported("empty class");
            }

            isFirst = false;
            ReadClassItem(ranges);
        }

        At++;
        isOutside = false;
        var set = CodePoints.Of([.. ranges]);
        return isNegated ? set.Complement() : set;
    }

    private void ReadClassItem(List<(int First, int Last)> ranges)
    {
        if (Peek() == '[' && At + 1 < pattern.Length && pattern[At + 1] is ':' or '.' or '=')
        {
            throw Unsupported("named class");
        }

        var first = ReadClassCharacter();
        if (Peek() != '-' || At + 1 >= pattern.Length || pattern[At + 1] == ']')
        {
            ranges.AddRange(first.Ranges);
            return;
        }

        At++;
        var last = ReadClassCharacter();
        if (first.Ranges is not [var (a, b)] || last.Ranges is not [var (c, d)] || a != b || c != d || c < a)
        {
            throw Invalid("A range that is none");
        }

        ranges.Add((a, c));
    }

    private CodePoints ReadClassCharacter() => Take('\\') ? ReadEscape(isInClass: true) : CodePoints.Of(ReadRune());

    private CodePoints ReadEscape(bool isInClass)
    {
        var c = Peek();
        At++;
        return c switch
        {
            'd' => CodePoints.Digits,
            'D' => CodePoints.Digits.Complement(),
            'w' => CodePoints.Words,
            'W' => CodePoints.Words.Complement(),
            's' => isOutside ? CodePoints.AnySpaces : CodePoints.Spaces,
            'S' => (isOutside ? CodePoints.Spaces : CodePoints.AnySpaces).Complement(),
            'n' => CodePoints.Of('\n'),
            'r' => CodePoints.Of('\r'),
            't' => CodePoints.Of('\t'),
            'f' => CodePoints.Of('\f'),
            'v' => CodePoints.Of('\v'),
            'b' when isInClass => CodePoints.Of('\b'),
            'x' => CodePoints.Of(ReadHex(2)),
            'u' => CodePoints.Of(ReadUnicode()),
            '\0' => throw Invalid("An escape without a character"),
            _ when char.IsAsciiLetterOrDigit(c) => throw Unsupported($"\\{c}"),
            _ when char.IsAscii(c) => CodePoints.Of(c),
            _ => throw Invalid("An escape that is none"),
        };
    }

    private int ReadUnicode()
    {
        if (Take('{'))
        {
            var end = pattern.IndexOf('}', At);
            var value = end > At && end - At <= 6 ? ReadHex(end - At) : throw Invalid("A character that is none");
            At++;
            return Rune.IsValid(value) ? value : throw Invalid("A character that is none");
        }

        var unit = ReadHex(4);
        if (char.IsHighSurrogate((char)unit) && Take('\\') && Take('u') && ReadHex(4) is var low && char.IsLowSurrogate((char)low))
        {
            return char.ConvertToUtf32((char)unit, (char)low);
        }

        return char.IsSurrogate((char)unit) ? throw Invalid("Half a character") : unit;
    }

    private int ReadHex(int digits) => ReadHexDigits(digits) ?? throw Invalid("Hexadecimal digits are missing");
}
