namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>
/// A place in the automaton: a state, the rounds read of the counted repeat that the state is part of, and where to go on when the rule has been read.
/// Immutable; frames share what is below them. No parent: after this rule the text is whole.
/// </summary>
internal sealed class Frame : IEquatable<Frame>
{
    private readonly ulong hash;
    private Frame? representative;

    internal Frame(int state, int count, Frame? parent)
    {
        (State, Count, Parent) = (state, count, parent);
        Depth = parent is null ? 1 : parent.Depth + 1;
        hash = Mix(Mix((uint)state, (uint)count), parent?.hash ?? 0);
    }

    internal int State { get; }

    internal int Count { get; }

    internal Frame? Parent { get; }

    internal int Depth { get; }

    internal ulong Hash => hash;

    /// <summary>The frame that stands for all that no token can tell from this one: rounds further from their bounds than a token is long are one.</summary>
    internal Frame Representative(Automaton automaton, int longestToken)
    {
        var path = new Stack<Frame>();
        for (var frame = this; frame is { representative: null }; frame = frame.Parent)
        {
            path.Push(frame);
        }

        while (path.TryPop(out var frame))
        {
            frame.representative = frame.FindRepresentative(automaton, longestToken + 2);
        }

        return representative!;
    }

    public bool Equals(Frame? other)
    {
        for (var mine = this; ; mine = mine.Parent, other = other.Parent)
        {
            if (ReferenceEquals(mine, other))
            {
                return true;
            }

            if (mine is null || other is null || mine.hash != other.hash || mine.State != other.State || mine.Count != other.Count)
            {
                return false;
            }
        }
    }

    public override bool Equals(object? obj) => Equals(obj as Frame);

    public override int GetHashCode() => (int)(hash ^ (hash >> 32));

    private static ulong Mix(ulong left, ulong right)
    {
        var mixed = (left ^ (right * 0x9E3779B97F4A7C15)) * 0xBF58476D1CE4E5B9;
        return mixed ^ (mixed >> 29);
    }

    private Frame FindRepresentative(Automaton automaton, int cap)
    {
        var repeat = automaton.States[State].Repeat;
        var count = repeat < 0 ? Count : Fold(automaton.Repeats[repeat], cap);
        var parent = Parent?.representative;
        return count == Count && ReferenceEquals(parent, Parent) ? this : new Frame(State, count, parent);
    }

    // Only a key: the two distances in one number, below zero so that it is never taken for a count.
    private int Fold(CountedRepeat repeat, int cap)
    {
        var toMin = Math.Clamp(repeat.Min - Count, 0, cap);
        var toMax = repeat.Max is { } max ? Math.Min(max - Count, cap) : cap;
        return -1 - ((toMin * (cap + 1)) + toMax);
    }
}
