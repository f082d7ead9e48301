using System.Text;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>Reads a grammar as llama.cpp documents it: rules, alternatives, groups, literals, classes, the dot, quantifiers and comments.</summary>
internal sealed class GbnfReader : NotationReader
{
    private readonly string text;
    private readonly Rules rules;
    private readonly Work work;
    private readonly Dictionary<string, int> names = new(StringComparer.Ordinal);
    private readonly HashSet<string> defined = new(StringComparer.Ordinal);
    private int depth;

    private GbnfReader(string text, Rules rules, Work work)
        : base(text, "the grammar") => (this.text, this.rules, this.work) = (text, rules, work);

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
        while (At < text.Length)
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
        if (!text.AsSpan(At).StartsWith("::="))
        {
            throw Invalid("'::=' is missing");
        }

        At += 3;
        Skip(newLines: true);
        var rule = RuleOf(name);
        rules.Define(rule, ReadAlternatives(isNested: false));
        if (At < text.Length && Peek() is not ('\r' or '\n'))
        {
            throw Invalid("A rule must end with its line");
        }
    }

    private Node ReadAlternatives(bool isNested)
    {
        if (++depth > ConstraintLimits.Depth)
        {
            throw ConstraintErrors.TooLarge($"The grammar nests deeper than {ConstraintLimits.Depth}", Place);
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
        var before = At;
        Skip(newLines: true);
        if (Peek() == '|')
        {
            At++;
            return true;
        }

        At = before;
        return false;
    }

    private Node ReadSequence(bool isNested)
    {
        var parts = new List<Node>();
        while (At < text.Length && Peek() is not ('|' or ')' or '\r' or '\n'))
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
                At++;
                return Utf8.Write(CodePoints.All);
            case '(':
                At++;
                Skip(newLines: true);
                var group = ReadAlternatives(isNested: true);
                Skip(newLines: true);
                Expect(')');
                return group;
            case '<' or '!':
                throw Unsupported("token");
            default:
                return new RuleNode(RuleOf(ReadName()));
        }
    }

    private Node ReadQuantifiers(Node part, bool isNested)
    {
        while (At < text.Length)
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
                    At++;
                    part = ReadCounted(part);
                    break;
                default:
                    return part;
            }

            At++;
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
            At++;
            Skip(newLines: false);
            max = Peek() == '}' ? null : ReadNumber();
            Skip(newLines: false);
        }

        return Peek() != '}' ? throw Invalid("'}' is missing")
            : max < min ? throw Invalid("A repeat that ends before it begins")
            : Node.Repeat(part, min, max);
    }

    private Node ReadLiteral()
    {
        At++;
        var parts = new List<Node>();
        while (Peek() != '"')
        {
            work.Spend();
            parts.Add(Utf8.Write(CodePoints.Of(ReadCharacter())));
        }

        At++;
        return Node.Sequence([.. parts]);
    }

    private Node ReadClass()
    {
        At++;
        var isNegated = Peek() == '^';
        At += isNegated ? 1 : 0;
        var ranges = new List<(int, int)>();
        while (Peek() != ']')
        {
            work.Spend();
            var first = ReadCharacter();
            var last = first;
            if (Peek() == '-' && At + 1 < text.Length && text[At + 1] != ']')
            {
                At++;
                last = ReadCharacter();
            }

            ranges.Add(last < first ? throw Invalid("A range that ends before it begins") : (first, last));
        }

        At++;
        var set = CodePoints.Of([.. ranges]);
        return Utf8.Write(isNegated ? set.Complement() : set);
    }

    private int ReadCharacter()
    {
        if (At >= text.Length)
        {
            throw Invalid("A quote or bracket that is not closed");
        }

        if (Peek() == '\\')
        {
            At++;
            return ReadEscape();
        }

        return ReadRune();
    }

    private int ReadEscape()
    {
        var c = Peek();
        At++;
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
        var start = At;
        if (ReadHexDigits(digits) is { } value && Rune.IsValid(value))
        {
            return value;
        }

        At = start;
        throw Invalid("A character that is none");
    }

    private string ReadName()
    {
        var start = At;
        while (char.IsAsciiLetterOrDigit(Peek()) || Peek() is '-' or '_')
        {
            At++;
        }

        return At > start ? text[start..At] : throw Invalid("A name is missing");
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
        while (At < text.Length)
        {
            if (text[At] == '#')
            {
                var end = text.AsSpan(At).IndexOfAny('\r', '\n');
                At = end < 0 ? text.Length : At + end;
            }
            else if (text[At] is ' ' or '\t' || (newLines && text[At] is '\r' or '\n'))
            {
                At++;
            }
            else
            {
                return;
            }
        }
    }
}
