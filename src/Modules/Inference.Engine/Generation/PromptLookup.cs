namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>Guesses the next tokens of a text by looking for its last few tokens further up: answers often repeat the prompt.</summary>
internal sealed class PromptLookup
{
    private const int Words = 3;

    // With the token before them 4 and 8 in a step, which the matrix kernels compute at once; a fifth would cost as much as the four before it.
    private const int Few = 3;
    private const int Many = 7;

    private readonly Dictionary<(int, int, int), int> seen = [];
    private int indexed;
    private int length = Few;

    internal int Drafted { get; private set; }

    internal int Accepted { get; private set; }

    /// <summary>What may follow, <paramref name="most"/> tokens at most; null where the text is new.</summary>
    internal int[]? Guess(IReadOnlyList<int> tokens, int most)
    {
        Index(tokens);
        var count = tokens.Count;
        if (most < length || count < Words || !seen.TryGetValue((tokens[count - 3], tokens[count - 2], tokens[count - 1]), out var next))
        {
            return null;
        }

        var guess = new int[length];
        for (var index = 0; index < length; index++)
        {
            guess[index] = next + index < count ? tokens[next + index] : guess[next + index - count];
        }

        return guess;
    }

    /// <summary>Takes how many of the guesses were right. Who was right throughout is trusted with more.</summary>
    internal void Record(int accepted)
    {
        Drafted += length;
        Accepted += accepted;
        length = accepted == length ? Many : Few;
    }

    // The last words themselves are left out until something follows them.
    private void Index(IReadOnlyList<int> tokens)
    {
        for (indexed = Math.Max(indexed, Words); indexed < tokens.Count; indexed++)
        {
            seen[(tokens[indexed - 3], tokens[indexed - 2], tokens[indexed - 1])] = indexed;
        }
    }
}
