namespace LlmPlatform.Inference.Engine.Constraints;

internal enum StateKind : byte
{
    /// <summary>The rule has been read: go on below.</summary>
    Pop,

    /// <summary>Reads one byte of set A, then B.</summary>
    Bytes,

    /// <summary>Reads control token A, then B.</summary>
    Token,

    /// <summary>B targets from A on, all at once.</summary>
    Split,

    /// <summary>Rule A, then B.</summary>
    Call,

    /// <summary>Counted repeat A from its first round, then B.</summary>
    Count,

    /// <summary>A round of counted repeat A has been read.</summary>
    Round,
}

/// <summary>Repeat is the counted repeat that the state is part of, -1 for none.</summary>
internal readonly record struct State(StateKind Kind, int A, int B, int Repeat);

/// <summary>No Max: without end.</summary>
internal readonly record struct CountedRepeat(int Start, int Min, int? Max);

/// <summary>A pushdown automaton over bytes and control tokens. Immutable. State 0 pops.</summary>
internal sealed class Automaton
{
    internal required State[] States { get; init; }

    internal required int[] Targets { get; init; }

    internal required ByteSet[] Sets { get; init; }

    internal required int[] RuleStarts { get; init; }

    internal required CountedRepeat[] Repeats { get; init; }

    /// <summary>The class of each byte value: bytes of one class are never told apart.</summary>
    internal required byte[] Classes { get; init; }

    /// <summary>One byte value of each class.</summary>
    internal required byte[] ClassMembers { get; init; }

    internal int Start => RuleStarts[0];
}
