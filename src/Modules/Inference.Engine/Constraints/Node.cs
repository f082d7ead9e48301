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

    internal static Node Sequence(params Node[] parts)
    {
        var some = Array.Exists(parts, p => ReferenceEquals(p, Empty)) ? Array.FindAll(parts, p => !ReferenceEquals(p, Empty)) : parts;
        return some.Length switch { 0 => Empty, 1 => some[0], _ => new SequenceNode(some) };
    }

    internal static Node Choice(params Node[] options) => options.Length == 1 ? options[0] : new ChoiceNode(options);

    internal static Node Optional(Node body) => new RepeatNode(body, 0, 1);

    internal static Node Repeat(Node body, int min, int? max) => (min, max) switch
    {
        (_, 0) => Empty,
        (1, 1) => body,
        _ => new RepeatNode(body, min, max),
    };

    /// <summary>True where all say so, false where one denies it, else unknown.</summary>
    internal static bool? All(Node[] nodes, Func<Node, bool?> holds)
    {
        bool? all = true;
        foreach (var node in nodes)
        {
            var one = holds(node);
            all = one == false || all == false ? false : one is null ? null : all;
        }

        return all;
    }

    /// <summary>True where one says so, false where all deny it, else unknown.</summary>
    internal static bool? Any(Node[] nodes, Func<Node, bool?> holds)
    {
        bool? any = false;
        foreach (var node in nodes)
        {
            var one = holds(node);
            any = one == true || any == true ? true : one is null ? null : any;
        }

        return any;
    }

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
    : Node(All(parts, static p => p.IsNullable), All(parts, static p => p.IsProductive), Deepest(parts))
{
    internal Node[] Parts { get; } = parts;
}

internal sealed class ChoiceNode(Node[] options)
    : Node(Any(options, static o => o.IsNullable), Any(options, static o => o.IsProductive), Deepest(options))
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
