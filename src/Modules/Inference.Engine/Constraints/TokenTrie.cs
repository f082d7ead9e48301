namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>The texts of a vocabulary as a tree, its nodes in the order of a walk: a subtree is a range, and skipping it an assignment.</summary>
internal sealed class TokenTrie
{
    private readonly int[] order;
    private readonly int[] firstTokens;

    internal TokenTrie(IVocabularyText vocabulary)
    {
        order = [.. Enumerable.Range(0, vocabulary.Size).Where(t => !vocabulary.EndsGeneration(t) && !vocabulary.Bytes(t).IsEmpty)];
        Array.Sort(order, (left, right) => vocabulary.Bytes(left).SequenceCompareTo(vocabulary.Bytes(right)));
        var nodes = new List<(byte Value, int Depth, int FirstToken)>();
        for (var i = 0; i < order.Length; i++)
        {
            var text = vocabulary.Bytes(order[i]);
            var shared = i == 0 ? 0 : text.CommonPrefixLength(vocabulary.Bytes(order[i - 1]));
            for (var depth = shared; depth < text.Length; depth++)
            {
                // Nodes on the way hold no token: the next node starts with the same one.
                nodes.Add((text[depth], depth + 1, i));
            }
        }

        (Bytes, Depths) = ([.. nodes.Select(n => n.Value)], [.. nodes.Select(n => n.Depth)]);
        firstTokens = [.. nodes.Select(n => n.FirstToken), order.Length];
        Ends = FindEnds();
        Longest = Depths.Length == 0 ? 1 : Depths.Max();
    }

    internal int Count => Bytes.Length;

    internal byte[] Bytes { get; }

    /// <summary>How many bytes lead to the node, its own included.</summary>
    internal int[] Depths { get; }

    /// <summary>The first node that is not below this one.</summary>
    internal int[] Ends { get; }

    /// <summary>Bytes of the longest token, at least 1.</summary>
    internal int Longest { get; }

    /// <summary>The tokens whose text ends at the node.</summary>
    internal ReadOnlySpan<int> Tokens(int node) => order.AsSpan(firstTokens[node], firstTokens[node + 1] - firstTokens[node]);

    private int[] FindEnds()
    {
        var ends = new int[Count];
        var open = new Stack<int>();
        for (var node = 0; node <= Count; node++)
        {
            while (open.TryPeek(out var last) && (node == Count || Depths[last] >= Depths[node]))
            {
                ends[open.Pop()] = node;
            }

            open.Push(node);
        }

        return ends;
    }
}
