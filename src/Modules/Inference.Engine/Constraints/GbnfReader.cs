using System.Globalization;
using System.Text;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>Reads a grammar as llama.cpp documents it: rules, alternatives, groups, literals, classes, the dot, quantifiers and comments.</summary>
internal sealed class GbnfReader
{
    private readonly string text;
    private readonly Rules rules;
    private readonly Work work;
    private readonly Dictionary<string, int> names = new(StringComparer.Ordinal);
    private readonly HashSet<string> defined = new(StringComparer.Ordinal);
    private int at;
    private int depth;

    private GbnfReader(string text, Rules rules, Work work) => (this.text, this.rules, this.work) = (text, rules, work);

    /// <summary>The rule "root", with all that it needs added to the rules.</summary>
    internal static Node Read(string text, Rules rules, Work work)
    {
        if (text.Length > ConstraintLimits.Text)
        {
            throw ConstraintErrors.TooLarge($"The grammar is longer than {ConstraintLimits.Text} characters", "the grammar");
        }

        return new GbnfReader(text, rules, work).ReadRules();
    }

    private RuleNode ReadRules()
    {
        Skip(newLines: true);
        while (at < text.Length)
        {
            ReadRule();
            Skip(newLines: true);
        }

        return names.Keys.FirstOrDefault(n => !defined.Contains(n)) is { } missing
            ? throw ConstraintErrors.Invalid($"The rule '{missing}' is not defined", "the grammar")
            : defined.Contains("root") ? new RuleNode(names["root"]) : throw ConstraintErrors.Invalid("There is no rule 'root'", "the grammar");
    }

    private void ReadRule()
    {
        var name = ReadName();
        if (!defined.Add(name))
        {
            throw Invalid($"The rule '{name}' is defined twice");
        }

        Skip(newLines: false);
        if (!text.AsSpan(at).StartsWith("::="))
        {
            throw Invalid("'::=' is missing");
        }

        at += 3;
        Skip(newLines: true);
        var rule = RuleOf(name);
        rules.Define(rule, ReadAlternatives(isNested: false));
        if (at < text.Length && Peek() is not ('\r' or '\n'))
        {
            throw Invalid("A rule must end with its line");
        }
    }

    private Node ReadAlternatives(bool isNested)
    {
        if (++depth > ConstraintLimits.Depth)
        {
            throw ConstraintErrors.TooLarge($"The grammar nests deeper than {ConstraintLimits.Depth}", Place());
        }

        var options = new List<Node> { ReadSequence(isNested) };
        while (TakeBar())
        {
            Skip(newLines: true);
            options.Add(ReadSequence(isNested));
        }

        depth--;
        return Node.Choice([.. options]);
    }

    // An option may also stand on a line of its own that begins with the bar.
    private bool TakeBar()
    {
        var before = at;
        Skip(newLines: true);
        if (Peek() == '|')
        {
            at++;
            return true;
        }

        at = before;
        return false;
    }

    private Node ReadSequence(bool isNested)
    {
        var parts = new List<Node>();
        while (at < text.Length && Peek() is not ('|' or ')' or '\r' or '\n'))
        {
            work.Spend();
            var part = ReadItem();
            Skip(isNested);
            parts.Add(ReadQuantifiers(part, isNested));
        }

        return Node.Sequence([.. parts]);
    }

    private Node ReadItem()
    {
        switch (Peek())
        {
            case '"':
                return ReadLiteral();
            case '[':
                return ReadClass();
            case '.':
                at++;
                return Utf8.Write(CodePoints.All);
            case '(':
                at++;
                Skip(newLines: true);
                var group = ReadAlternatives(isNested: true);
                Skip(newLines: true);
                Expect(')');
                return group;
            case '<' or '!':
                throw ConstraintErrors.Unsupported("token", Place());
            default:
                return new RuleNode(RuleOf(ReadName()));
        }
    }

    private Node ReadQuantifiers(Node part, bool isNested)
    {
        while (at < text.Length)
        {
            switch (Peek())
            {
                case '*':
                    part = Node.Repeat(part, 0, null);
                    break;
                case '+':
                    part = Node.Repeat(part, 1, null);
                    break;
                case '?':
                    part = Node.Optional(part);
                    break;
                case '{':
                    at++;
                    part = ReadCounted(part);
                    break;
                default:
                    return part;
            }

            at++;
            Skip(isNested);
        }

        return part;
    }

    // Stops at the closing bracket.
    private Node ReadCounted(Node part)
    {
        Skip(newLines: false);
        var min = Peek() == ',' ? 0 : ReadNumber();
        int? max = min;
        Skip(newLines: false);
        if (Peek() == ',')
        {
            at++;
            Skip(newLines: false);
            max = Peek() == '}' ? null : ReadNumber();
            Skip(newLines: false);
        }

        return Peek() != '}' ? throw Invalid("'}' is missing")
            : max < min ? throw Invalid("A repeat that ends before it begins")
            : Node.Repeat(part, min, max);
    }

    private int ReadNumber()
    {
        var start = at;
        while (char.IsAsciiDigit(Peek()))
        {
            at++;
        }

        return at == start ? throw Invalid("A number is missing")
            : int.TryParse(text.AsSpan(start, at - start), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && number <= ConstraintLimits.CountedRepeats ? number
                : throw ConstraintErrors.TooLarge($"A repeat of more than {ConstraintLimits.CountedRepeats}", Place());
    }

    private Node ReadLiteral()
    {
        at++;
        var parts = new List<Node>();
        while (Peek() != '"')
        {
            work.Spend();
            parts.Add(Utf8.Write(CodePoints.Of(ReadCharacter())));
        }

        at++;
        return Node.Sequence([.. parts]);
    }

    private Node ReadClass()
    {
        at++;
        var isNegated = Peek() == '^';
        at += isNegated ? 1 : 0;
        var ranges = new List<(int, int)>();
        while (Peek() != ']')
        {
            work.Spend();
            var first = ReadCharacter();
            var last = first;
            if (Peek() == '-' && at + 1 < text.Length && text[at + 1] != ']')
            {
                at++;
                last = ReadCharacter();
            }

            ranges.Add(last < first ? throw Invalid("A range that ends before it begins") : (first, last));
        }

        at++;
        var set = CodePoints.Of([.. ranges]);
        return Utf8.Write(isNegated ? set.Complement() : set);
    }

    private int ReadCharacter()
    {
        if (at >= text.Length)
        {
            throw Invalid("A quote or bracket that is not closed");
        }

        if (Peek() == '\\')
        {
            at++;
            return ReadEscape();
        }

        if (!Rune.TryGetRuneAt(text, at, out var rune))
        {
            throw Invalid("Half a character");
        }

        at += rune.Utf16SequenceLength;
        return rune.Value;
    }

    private int ReadEscape()
    {
        var c = Peek();
        at++;
        return c switch
        {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '\\' or '"' or '[' or ']' or '-' or '^' => c,
            'x' => ReadHex(2),
            'u' => ReadHex(4),
            'U' => ReadHex(8),
            _ => throw Invalid("An escape that is none"),
        };
    }

    private int ReadHex(int digits)
    {
        if (at + digits > text.Length
            || !int.TryParse(text.AsSpan(at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            || !Rune.IsValid(value))
        {
            throw Invalid("A character that is none");
        }

        at += digits;
        return value;
    }

    private string ReadName()
    {
        var start = at;
        while (char.IsAsciiLetterOrDigit(Peek()) || Peek() is '-' or '_')
        {
            at++;
        }

        return at > start ? text[start..at] : throw Invalid("A name is missing");
    }

    private int RuleOf(string name)
    {
        if (!names.TryGetValue(name, out var rule))
        {
            rule = rules.Declare(name);
            names.Add(name, rule);
        }

        return rule;
    }

    private void Skip(bool newLines)
    {
        while (at < text.Length)
        {
            if (text[at] == '#')
            {
                var end = text.AsSpan(at).IndexOfAny('\r', '\n');
                at = end < 0 ? text.Length : at + end;
            }
            else if (text[at] is ' ' or '\t' || (newLines && text[at] is '\r' or '\n'))
            {
                at++;
            }
            else
            {
                return;
            }
        }
    }

    private char Peek() => at < text.Length ? text[at] : '\0';

    private void Expect(char c)
    {
        if (Peek() != c)
        {
            throw Invalid($"'{c}' is missing");
        }

        at++;
    }

    private string Place() => $"the grammar, character {at}";

    private Exception Invalid(string what) => ConstraintErrors.Invalid(what, Place());
}
