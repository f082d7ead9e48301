namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>Takes positions over one byte or control token. One per mask or token: it is not thread-safe and counts the work.</summary>
internal sealed class Stepper(Automaton automaton, Memory memory)
{
    private readonly Work work = new(ConstraintLimits.RunSteps, "the text so far");
    private readonly HashSet<Frame> seen = [];
    private readonly Stack<Frame> open = new();
    private readonly List<Frame> found = [];
    private bool mayEnd;

    internal Positions Start()
    {
        Open(new Frame(automaton.Start, 0, null));
        return Close();
    }

    internal Positions Next(Positions from, byte value)
    {
        var byteClass = automaton.Classes[value];
        if (from[byteClass] is { } known)
        {
            return known;
        }

        foreach (var frame in from.Frames)
        {
            var state = automaton.States[frame.State];
            if (state.Kind == StateKind.Bytes && automaton.Sets[state.A].Contains(value))
            {
                Open(new Frame(state.B, frame.Count, frame.Parent));
            }
        }

        work.Spend(from.Frames.Length);
        var next = Close();
        from[byteClass] = next;
        return next;
    }

    /// <summary>Null where the control token may not come.</summary>
    internal Positions? NextToken(Positions from, int token)
    {
        foreach (var frame in from.Frames)
        {
            var state = automaton.States[frame.State];
            if (state.Kind == StateKind.Token && state.A == token)
            {
                Open(new Frame(state.B, frame.Count, frame.Parent));
            }
        }

        work.Spend(from.Frames.Length);
        return open.Count == 0 ? null : Close();
    }

    private Positions Close()
    {
        while (open.TryPop(out var frame))
        {
            work.Spend();
            Expand(frame, automaton.States[frame.State]);
        }

        var frames = found.ToArray();
        if (frames.Length > 1)
        {
            Array.Sort(frames, (left, right) => left.Hash.CompareTo(right.Hash));
        }

        var positions = memory.Intern(frames, mayEnd, automaton.ClassMembers.Length);
        seen.Clear();
        found.Clear();
        mayEnd = false;
        return positions;
    }

    private void Expand(Frame frame, State state)
    {
        switch (state.Kind)
        {
            case StateKind.Split:
                for (var i = 0; i < state.B; i++)
                {
                    Open(new Frame(automaton.Targets[state.A + i], frame.Count, frame.Parent));
                }

                break;
            case StateKind.Call:
                Open(new Frame(automaton.RuleStarts[state.A], 0, Below(frame, state.B)));
                break;
            case StateKind.Count:
                Open(new Frame(automaton.Repeats[state.A].Start, 0, Below(frame, state.B)));
                break;
            case StateKind.Round:
                EndRound(frame, automaton.Repeats[state.A]);
                break;
            case StateKind.Pop:
                Leave(frame.Parent);
                break;
            default:
                found.Add(frame);
                break;
        }
    }

    private void EndRound(Frame frame, CountedRepeat repeat)
    {
        var rounds = repeat.Max is null ? Math.Min(frame.Count + 1, repeat.Min) : frame.Count + 1;
        if (rounds >= repeat.Min)
        {
            Leave(frame.Parent);
        }

        if (!(rounds >= repeat.Max))
        {
            Open(new Frame(repeat.Start, rounds, frame.Parent));
        }
    }

    private void Leave(Frame? parent)
    {
        if (parent is null)
        {
            mayEnd = true;
            return;
        }

        Open(parent);
    }

    private static Frame? Below(Frame frame, int next)
    {
        if (next == 0)
        {
            return frame.Parent;
        }

        return frame.Depth < ConstraintLimits.StackDepth
            ? new Frame(next, frame.Count, frame.Parent)
            : throw ConstraintErrors.TooLarge($"The text nests deeper than {ConstraintLimits.StackDepth}", "the text so far");
    }

    private void Open(Frame frame)
    {
        if (!seen.Add(frame))
        {
            return;
        }

        if (seen.Count > ConstraintLimits.Frames)
        {
            throw ConstraintErrors.TooLarge($"The text can be read in more than {ConstraintLimits.Frames} ways", "the text so far");
        }

        open.Push(frame);
    }
}
