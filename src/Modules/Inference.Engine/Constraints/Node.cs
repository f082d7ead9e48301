using System.Text;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>
/// The one form that every kind of constraint is turned into: bytes, control tokens, sequences, choices, repeats and references to rules.
/// Immutable, so parts are shared. What depends on rules is null here and answered by <see cref="Rules"/>.
/// </summary>
internal abstract class Node(bool? isNullable, bool? isProductive, int depth)
{
    internal static readonly Node Empty = new SequenceNode([]);

    internal static readonly Node Never = new ChoiceNode([]);

    /// <summary>The node matches the empty text.</summary>
    internal bool? IsNullable { get; } = isNullable;

    /// <summary>The node matches some finite text.</summary>
    internal bool? IsProductive { get; } = isProductive;

    internal int Depth { get; } = depth <= ConstraintLimits.NodeDepth
        ? depth
        : throw ConstraintErrors.TooLarge($"The constraint nests deeper than {ConstraintLimits.NodeDepth}", "the whole constraint");

    internal static Node Bytes(ByteSet set) => set.IsEmpty ? Never : new BytesNode(set);

    internal static Node Byte(byte value) => new BytesNode(ByteSet.Of(value));

    internal static Node Literal(string text) => Literal(Encoding.UTF8.GetBytes(text));

    internal static Node Literal(ReadOnlySpan<byte> text)
    {
        var parts = new Node[text.Length];
        for (var i = 0; i < text.Length; i++)
        {
            parts[i] = Byte(text[i]);
        }

        return Sequence(parts);
    }

    internal static Node Sequence(params Node[] parts) => parts.Length == 1 ? parts[0] : new SequenceNode(parts);

    internal static Node Choice(params Node[] options) => options.Length == 1 ? options[0] : new ChoiceNode(options);

    internal static Node Optional(Node body) => new RepeatNode(body, 0, 1);

    internal static Node Repeat(Node body, int min, int? max) => (min, max) switch
    {
        (_, 0) => Empty,
        (1, 1) => body,
        _ => new RepeatNode(body, min, max),
    };

    internal static bool? All(bool? left, bool? right) => left == false || right == false ? false : left == true && right == true ? true : null;

    internal static bool? Any(bool? left, bool? right) => left == true || right == true ? true : left == false && right == false ? false : null;

    internal static int Deepest(Node[] nodes)
    {
        var depth = 0;
        foreach (var node in nodes)
        {
            depth = Math.Max(depth, node.Depth);
        }

        return depth + 1;
    }
}

internal sealed class BytesNode(ByteSet set) : Node(false, true, 1)
{
    internal ByteSet Set { get; } = set;
}

internal sealed class TokenNode(int token) : Node(false, true, 1)
{
    internal int Token { get; } = token;
}

internal sealed class RuleNode(int rule) : Node(null, null, 1)
{
    internal int Rule { get; } = rule;
}

internal sealed class SequenceNode(Node[] parts)
    : Node(parts.Aggregate((bool?)true, (all, p) => All(all, p.IsNullable)), parts.Aggregate((bool?)true, (all, p) => All(all, p.IsProductive)), Deepest(parts))
{
    internal Node[] Parts { get; } = parts;
}

internal sealed class ChoiceNode(Node[] options)
    : Node(options.Aggregate((bool?)false, (any, o) => Any(any, o.IsNullable)), options.Aggregate((bool?)false, (any, o) => Any(any, o.IsProductive)), Deepest(options))
{
    internal Node[] Options { get; } = options;
}

/// <summary>No Max: without end.</summary>
internal sealed class RepeatNode(Node body, int min, int? max)
    : Node(min == 0 ? true : body.IsNullable, min == 0 ? true : body.IsProductive, body.Depth + 1)
{
    internal Node Body { get; } = body;

    internal int Min { get; } = min;

    internal int? Max { get; } = max;
}
