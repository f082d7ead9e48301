namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>What a sequence contributes to a step.</summary>
internal sealed class Share(Sequence sequence, int count)
{
    internal Sequence Sequence => sequence;

    internal int Count => count;

    /// <summary>Where the scores after its last token lie, once the step is computed.</summary>
    internal int Output { get; set; }
}

/// <summary>Decides who gets how many tokens of a step.</summary>
internal static class StepPlan
{
    // While others generate, a prompt takes small bites: each bite delays their next token.
    private const int PromptTokensBesideOthers = 128;

    internal static List<Share> Compose(IReadOnlyList<Sequence> running, int capacity)
    {
        var shares = new List<Share>(running.Count);
        foreach (var sequence in running.Where(sequence => sequence.Remaining == 1).Take(capacity))
        {
            shares.Add(new Share(sequence, 1));
        }

        var room = capacity - shares.Count;
        room = shares.Count > 0 ? Math.Min(room, PromptTokensBesideOthers) : room;
        var prompts = running.Where(sequence => sequence.Remaining > 1).ToList();
        for (var index = 0; index < prompts.Count && room > 0; index++)
        {
            // A short prompt never waits for a long one: each gets its part of the room, and what one leaves goes to the next.
            var part = Math.Max(1, room / (prompts.Count - index));
            var count = Math.Min(part, prompts[index].Remaining);
            shares.Add(new Share(prompts[index], count));
            room -= count;
        }

        return shares;
    }
}
