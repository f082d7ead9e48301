namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>What a sequence contributes to a step.</summary>
/// <param name="sequence">The sequence.</param>
/// <param name="count">How many of its tokens that are not computed yet.</param>
/// <param name="draft">Tokens that are guessed to follow; wrong ones are taken back after the step.</param>
internal sealed class Share(Sequence sequence, int count, int[]? draft = null)
{
    internal Sequence Sequence => sequence;

    internal int Count => count;

    internal int[] Draft => draft ?? [];

    /// <summary>Where the scores after its last token lie, once the step is computed; those after its guesses follow.</summary>
    internal int Output { get; set; } = -1;

    /// <summary>Tokens that the step gave it.</summary>
    internal int Gained { get; set; }

    /// <summary>Whether it generates, and does not compute its prompt.</summary>
    internal bool IsDecode { get; } = count == 1 && sequence.Remaining == 1;

    /// <summary>Whether the step ends with a token to sample.</summary>
    internal bool IsComplete => Output >= 0;
}

/// <summary>Decides who gets how many tokens of a step.</summary>
internal static class StepPlan
{
    // While others generate, a step lasts this long at most: that is the longest pause that a newcomer's prompt causes in their streams.
    private static readonly double LongestStep = TimeSpan.FromMilliseconds(60).TotalMicroseconds;

    // Below this a step is all overhead.
    private const int SmallestChunk = 16;

    internal static List<Share> Compose(IReadOnlyList<Sequence> running, int capacity, StepClock clock, FairQueue queue, bool mayGuess)
    {
        var shares = new List<Share>(running.Count);
        foreach (var sequence in running)
        {
            if (sequence.Remaining == 1 && shares.Count < capacity)
            {
                shares.Add(new Share(sequence, 1));
            }
        }

        if (shares.Count < running.Count)
        {
            AddPrompts(shares, running, capacity, clock, queue);
        }
        else if (mayGuess && shares is [var only])
        {
            shares[0] = new Share(only.Sequence, 1, only.Sequence.Guess());
        }

        shares.Sort((one, other) => one.Sequence.Slot.CompareTo(other.Sequence.Slot)); // llama.cpp takes neighbours together, in this order
        return shares;
    }

    private static void AddPrompts(List<Share> shares, IReadOnlyList<Sequence> running, int capacity, StepClock clock, FairQueue queue)
    {
        var room = capacity - shares.Count;
        if (shares.Count > 0)
        {
            var left = LongestStep - clock.DecodeMicroseconds(shares.Count);
            room = Math.Min(room, Math.Max(SmallestChunk, (int)(left / clock.PrefillMicroseconds)));
        }

        // The shortest prompt is soon done and never waits for a long one; the rest goes to whoever was served least.
        var prompts = running.Where(sequence => sequence.Remaining > 1).ToList();
        if (prompts.Count == 0)
        {
            return;
        }

        var shortest = prompts.MinBy(sequence => sequence.Remaining)!;
        var first = Math.Min(shortest.Remaining, prompts.Count == 1 ? room : Math.Max(1, room / 2));
        shares.Add(new Share(shortest, first));
        room -= first;
        foreach (var prompt in prompts.Where(sequence => sequence != shortest).OrderBy(sequence => queue.ServedOf(sequence.Tenant)).ThenBy(sequence => sequence.Remaining))
        {
            if (room <= 0)
            {
                break;
            }

            var count = Math.Min(room, prompt.Remaining);
            shares.Add(new Share(prompt, count));
            room -= count;
        }
    }
}
