using System.Diagnostics;

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

/// <summary>
/// Decides what a step computes: a token for each sequence that generates, or a piece of one prompt. llama.cpp would compute a mixture in
/// several parts anyway, and steps of one kind keep their graph and can be told in advance how long they take.
/// </summary>
internal sealed class StepPlan(StepClock clock, FairQueue queue, int capacity)
{
    // The longest pause that prompts of newcomers cause in the streams of others.
    private static readonly double LongestPause = TimeSpan.FromMilliseconds(70).TotalMicroseconds;

    // Streams that came together with the prompt wait a little longer after their first token: the whole burst is then done sooner.
    private static readonly double BurstPause = TimeSpan.FromSeconds(1).TotalMicroseconds;

    // Below this a step is all overhead.
    private const int SmallestChunk = 32;

    private long decoded;
    private bool hasComputedPrompt;

    internal List<Share> Compose(IReadOnlyList<Sequence> running, bool mayGuess)
    {
        var shares = new List<Share>(running.Count);
        Sequence? prompt = null;
        foreach (var sequence in running)
        {
            if (sequence.Remaining > 1)
            {
                prompt = prompt is null || IsBefore(sequence, prompt) ? sequence : prompt;
            }
            else if (shares.Count < capacity)
            {
                shares.Add(new Share(sequence, 1));
            }
        }

        if (prompt is not null && Chunk(prompt, shares) is > 0 and var tokens)
        {
            hasComputedPrompt = true;
            return [new Share(prompt, tokens)];
        }

        (decoded, hasComputedPrompt) = (Stopwatch.GetTimestamp(), false);
        if (mayGuess && shares is [var only])
        {
            shares[0] = new Share(only.Sequence, 1, only.Sequence.Guess());
        }

        shares.Sort((one, other) => one.Sequence.Slot.CompareTo(other.Sequence.Slot)); // llama.cpp takes neighbours together, in this order
        return shares;
    }

    // Whoever was served least; among one's own prompts the one that is soonest done.
    private bool IsBefore(Sequence one, Sequence other) =>
        (queue.ServedOf(one.Tenant), one.Remaining).CompareTo((queue.ServedOf(other.Tenant), other.Remaining)) < 0;

    /// <summary>How many of a prompt's tokens fit before the streams must go on; 0 where they go on first.</summary>
    private int Chunk(Sequence prompt, List<Share> streams)
    {
        var most = Math.Min(prompt.Remaining, capacity);
        if (streams.Count == 0)
        {
            return most;
        }

        var pause = streams.TrueForAll(stream => stream.Sequence.CameWith(prompt)) ? BurstPause : LongestPause;
        var left = pause - Stopwatch.GetElapsedTime(decoded).TotalMicroseconds - clock.DecodeMicroseconds(streams.Count);
        var fits = Math.Min(most, (int)Math.Max(0, left / clock.PrefillMicroseconds));
        // Between two tokens of the streams something of a prompt is computed in any case, however slow the machine is.
        return fits >= Math.Min(most, SmallestChunk) ? fits : hasComputedPrompt ? 0 : Math.Min(most, SmallestChunk);
    }
}
