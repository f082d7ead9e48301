namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>A compiled constraint for one vocabulary, shared by all that run it. Thread-safe: what is found out while running is only remembered here.</summary>
internal sealed class Constraint(Automaton automaton, IVocabularyText vocabulary, TokenTrie trie, int[] endTokens)
{
    private Memory memory = new();

    internal bool IsToken(int token) => (uint)token < (uint)vocabulary.Size;

    internal bool EndsGeneration(int token) => vocabulary.EndsGeneration(token);

    internal ConstraintState Start() => new(this, new Stepper(automaton, Remembered()).Start());

    /// <exception cref="Generation.RequestRefusedException">constraint.too_large, past the work for one mask.</exception>
    internal (Positions Positions, TokenMask Mask) MaskAt(Positions positions)
    {
        var current = Renew(positions);
        if (current.Mask is not { } mask)
        {
            mask = current.Mask = FindMask(current);
        }

        return (current, mask);
    }

    /// <summary>Where the token leads; null where it may not come.</summary>
    /// <exception cref="Generation.RequestRefusedException">constraint.too_large, past the work for one token.</exception>
    internal Positions? Advance(Positions positions, int token)
    {
        var current = Renew(positions);
        var stepper = new Stepper(automaton, current.Memory);
        if (stepper.NextToken(current, token) is { } marked)
        {
            return marked;
        }

        var next = current;
        foreach (var value in vocabulary.Bytes(token))
        {
            next = stepper.Next(next, value);
        }

        return next.IsNowhere || vocabulary.Bytes(token).IsEmpty ? null : next;
    }

    private TokenMask FindMask(Positions positions)
    {
        var representative = new Positions(
            [.. positions.Frames.Select(f => f.Representative(automaton, trie.Longest))], positions.MayEnd, positions.Memory, classes: 0);
        if (positions.Memory.FindMask(representative) is { } known)
        {
            return known;
        }

        var mask = Walk(positions);
        positions.Memory.Keep(representative, mask);
        return mask;
    }

    private TokenMask Walk(Positions positions)
    {
        var mask = new TokenMask(vocabulary.Size);
        AllowControlTokens(positions, mask);
        var stepper = new Stepper(automaton, positions.Memory);
        var path = new Positions[trie.Longest + 1];
        path[0] = positions;
        for (var node = 0; node < trie.Count;)
        {
            var depth = trie.Depths[node];
            var next = stepper.Next(path[depth - 1], trie.Bytes[node]);
            if (next.IsNowhere)
            {
                node = trie.Ends[node];
                continue;
            }

            path[depth] = next;
            foreach (var token in trie.Tokens(node))
            {
                mask.Allow(token);
            }

            node++;
        }

        return mask;
    }

    private void AllowControlTokens(Positions positions, TokenMask mask)
    {
        if (positions.MayEnd)
        {
            Array.ForEach(endTokens, mask.Allow);
        }

        foreach (var frame in positions.Frames)
        {
            if (automaton.States[frame.State] is { Kind: StateKind.Token } state)
            {
                mask.Allow(state.A);
            }
        }
    }

    // What is no longer remembered is found again from the frames alone.
    private Positions Renew(Positions positions)
    {
        var current = Remembered();
        return ReferenceEquals(current, positions.Memory) ? positions : current.Intern(positions.Frames, positions.MayEnd, automaton.ClassMembers.Length);
    }

    private Memory Remembered()
    {
        var current = Volatile.Read(ref memory);
        if (!current.IsFull)
        {
            return current;
        }

        Interlocked.CompareExchange(ref memory, new Memory(), current);
        return Volatile.Read(ref memory);
    }
}
