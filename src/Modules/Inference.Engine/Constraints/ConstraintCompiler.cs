namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>Compiles constraints for one vocabulary and keeps the last used ones. Thread-safe.</summary>
internal sealed class ConstraintCompiler(IVocabularyText vocabulary)
{
    private readonly Lazy<TokenTrie> trie = new(() => new TokenTrie(vocabulary));
    private readonly Lazy<int[]> endTokens = new(() => [.. Enumerable.Range(0, vocabulary.Size).Where(vocabulary.EndsGeneration)]);
    private readonly Lock gate = new();
    private readonly Dictionary<string, LinkedListNode<(string Key, Constraint Constraint)>> known = [];
    private readonly LinkedList<(string Key, Constraint Constraint)> byUse = new();

    /// <exception cref="Generation.RequestRefusedException">constraint.invalid, constraint.unsupported or constraint.too_large.</exception>
    internal Constraint Compile(ConstraintSource source)
    {
        var key = ConstraintKey.Of(source);
        return Find(key) ?? Keep(key, CompileNew(source));
    }

    private Constraint CompileNew(ConstraintSource source)
    {
        var constraint = new Constraint(SourceCompiler.Compile(source, vocabulary), vocabulary, trie.Value, endTokens.Value);

        // What cannot even start is refused here, with the request, and not on the threads that sample.
        constraint.Start();
        return constraint;
    }

    private Constraint? Find(string key)
    {
        lock (gate)
        {
            if (!known.TryGetValue(key, out var entry))
            {
                return null;
            }

            byUse.Remove(entry);
            byUse.AddFirst(entry);
            return entry.Value.Constraint;
        }
    }

    // Two threads may compile the same at once; the first one's is kept, so what is found out while running is shared.
    private Constraint Keep(string key, Constraint constraint)
    {
        lock (gate)
        {
            if (known.TryGetValue(key, out var earlier))
            {
                return earlier.Value.Constraint;
            }

            known.Add(key, byUse.AddFirst((key, constraint)));
            if (byUse.Count > ConstraintLimits.Compiled && byUse.Last is { } oldest)
            {
                byUse.RemoveLast();
                known.Remove(oldest.Value.Key);
            }
        }

        return constraint;
    }
}
