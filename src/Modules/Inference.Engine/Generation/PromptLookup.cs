namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>Guesses the next tokens of a text by looking for its last few tokens further up: answers often repeat the prompt.</summary>
internal sealed class PromptLookup
{
    private const int Words = 3;
    private const int Guessed = 4;

    private readonly Dictionary<(int, int, int), int> seen = [];
    private int indexed;

    internal int Drafted { get; private set; }

    internal int Accepted { get; private set; }

    /// <summary>What may follow, <paramref name="most"/> tokens at most; null where the text is new.</summary>
    internal int[]? Guess(IReadOnlyList<int> tokens, int most)
    {
        Index(tokens);
        var count = tokens.Count;
        if (most < Guessed || count < Words || !seen.TryGetValue((tokens[count - 3], tokens[count - 2], tokens[count - 1]), out var next))
        {
            return null;
        }

        var guess = new int[Guessed]; // always as many: another shape of step would need another graph
        for (var index = 0; index < Guessed; index++)
        {
            guess[index] = next + index < count ? tokens[next + index] : guess[next + index - count];
        }

        return guess;
    }

    internal void Record(int accepted)
    {
        Drafted += Guessed;
        Accepted += accepted;
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
