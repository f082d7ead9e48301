namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>
/// The parts of JSON as it is written here: no white space but one space after a colon or a comma, numbers that a double holds, strings of
/// whole characters with valid escapes.
/// </summary>
internal sealed class JsonGrammar(Rules rules)
{
    private static readonly Node digit = Node.Bytes(ByteSet.Range('0', '9'));
    private static readonly Node firstDigit = Node.Bytes(ByteSet.Range('1', '9'));
    private static readonly Node hex = Node.Bytes(ByteSet.Range('0', '9') | ByteSet.Range('a', 'f') | ByteSet.Range('A', 'F'));
    private static readonly Node quote = Node.Byte((byte)'"');

    private RuleNode? text;
    private RuleNode? value;
    private RuleNode? anyObject;

    internal static Node Comma { get; } = Node.Sequence(Node.Byte((byte)','), Node.Optional(Node.Byte((byte)' ')));

    internal static Node Colon { get; } = Node.Sequence(Node.Byte((byte)':'), Node.Optional(Node.Byte((byte)' ')));

    internal static Node Null { get; } = Node.Literal("null");

    internal static Node Boolean { get; } = Node.Choice(Node.Literal("true"), Node.Literal("false"));

    internal static Node Integer { get; } = Node.Choice(
        Node.Byte((byte)'0'), Node.Sequence(Node.Optional(Node.Byte((byte)'-')), firstDigit, Node.Repeat(digit, 0, 14)));

    internal static Node Number { get; } = Node.Sequence(
        Node.Optional(Node.Byte((byte)'-')),
        Node.Choice(Node.Byte((byte)'0'), Node.Sequence(firstDigit, Node.Repeat(digit, 0, 14))),
        Node.Optional(Node.Sequence(Node.Byte((byte)'.'), Node.Repeat(digit, 1, 16))),
        Node.Optional(Node.Sequence(
            Node.Bytes(ByteSet.Of((byte)'e') | ByteSet.Of((byte)'E')),
            Node.Optional(Node.Bytes(ByteSet.Of((byte)'+') | ByteSet.Of((byte)'-'))),
            Node.Repeat(digit, 1, 2))));

    /// <summary>Characters of a string that need no escape, so that a text can be compared with a name byte by byte.</summary>
    internal static CodePoints Unescaped { get; } = CodePoints.Of((0x20, 0x21), (0x23, 0x5B), (0x5D, 0x10FFFF));

    /// <summary>One character inside a string, as it is or as an escape.</summary>
    internal static Node Character { get; } = Node.Choice(
        Utf8.Write(Unescaped),
        Node.Sequence(Node.Byte((byte)'\\'), Node.Choice(ShortEscape(), UnicodeEscape())));

    internal RuleNode String => text ??= rules.Add(Quoted(Node.Repeat(Character, 0, null)));

    internal RuleNode Value => value ?? AddValue();

    internal RuleNode Object => anyObject ??= rules.Add(Braces(List(Node.Sequence(String, Colon, Value))));

    internal static Node Quoted(Node content) => Node.Sequence(quote, content, quote);

    internal static Node Braces(Node content) => Node.Sequence(Node.Byte((byte)'{'), content, Node.Byte((byte)'}'));

    internal static Node Brackets(Node content) => Node.Sequence(Node.Byte((byte)'['), content, Node.Byte((byte)']'));

    private static Node List(Node item) => Node.Optional(Node.Sequence(item, Node.Repeat(Node.Sequence(Comma, item), 0, null)));

    private static Node ShortEscape() => Node.Bytes("\"\\/bfnrt"u8.ToArray().Aggregate(default(ByteSet), (set, c) => set | ByteSet.Of(c)));

    // \uD800 to \uDFFF are halves: only a pair of them is a character.
    private static Node UnicodeEscape()
    {
        var surrogate = Node.Bytes(ByteSet.Of((byte)'d') | ByteSet.Of((byte)'D'));
        var others = (ByteSet.Range('0', '9') | ByteSet.Range('a', 'f') | ByteSet.Range('A', 'F')).Without(ByteSet.Of((byte)'d') | ByteSet.Of((byte)'D'));
        var high = Node.Bytes(ByteSet.Range('8', '9') | ByteSet.Range('a', 'b') | ByteSet.Range('A', 'B'));
        var low = Node.Bytes(ByteSet.Range('c', 'f') | ByteSet.Range('C', 'F'));
        return Node.Sequence(Node.Byte((byte)'u'), Node.Choice(
            Node.Sequence(Node.Bytes(others), hex, hex, hex),
            Node.Sequence(surrogate, Node.Bytes(ByteSet.Range('0', '7')), hex, hex),
            Node.Sequence(surrogate, high, hex, hex, Node.Literal("\\u"), surrogate, low, hex, hex)));
    }

    private RuleNode AddValue()
    {
        var rule = rules.Declare("JSON value");
        value = new RuleNode(rule);
        rules.Define(rule, Node.Choice(Null, Boolean, Number, String, Brackets(List(value)), Object));
        return value;
    }
}
