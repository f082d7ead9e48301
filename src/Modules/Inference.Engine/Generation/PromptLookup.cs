using System.Diagnostics;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// Guesses the next tokens of a text by looking for its last few tokens further up: answers often repeat the prompt. A guess costs a longer
/// step, so it measures itself and pauses where plain steps are faster.
/// </summary>
internal sealed class PromptLookup
{
    private const int Words = 3;
    private const int Guessed = 4;
    private const int FirstPause = 64;
    private const int LongestPause = 4096;
    private const int Trials = 8;

    private readonly Dictionary<(int, int, int), int> seen = [];
    private int indexed;
    private int paused;
    private int pause = FirstPause;
    private int trials;
    private double spent;
    private int gained;
    private long started;

    internal int Drafted { get; private set; }

    internal int Accepted { get; private set; }

    /// <summary>What may follow, or nothing where the text is new or guessing does not pay.</summary>
    internal int[]? Guess(IReadOnlyList<int> tokens, int most, double plainMicroseconds)
    {
        if (paused > 0)
        {
            paused--;
            return null;
        }

        if (trials >= Trials)
        {
            if (spent / gained >= plainMicroseconds)
            {
                (paused, pause) = (pause, Math.Min(pause * 2, LongestPause));
            }

            (trials, spent, gained) = (0, 0, 0);
            return paused > 0 ? null : Guess(tokens, most, plainMicroseconds);
        }

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

        started = Stopwatch.GetTimestamp();
        return guess;
    }

    internal void Record(int accepted)
    {
        trials++;
        spent += Stopwatch.GetElapsedTime(started).TotalMicroseconds;
        gained += accepted + 1;
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
