namespace LlmPlatform.Inference.Workers;

/// <summary>How often a model's worker failed lately, and what that means for the next start: at once, in a moment, or not for now.</summary>
internal sealed class FailureHistory
{
    public const int Limit = 3;

    public static readonly TimeSpan Window = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan SecondWait = TimeSpan.FromSeconds(1);

    private readonly List<DateTimeOffset> failures = [];

    public void Record(DateTimeOffset now) => failures.Add(now);

    public void Clear() => failures.Clear();

    /// <summary>How long the model still rests; zero where it may start.</summary>
    public TimeSpan Quarantine(DateTimeOffset now)
    {
        Forget(now);
        return failures.Count < Limit ? TimeSpan.Zero : failures[^Limit] + Window - now;
    }

    /// <summary>How long the next start waits. One failure may be chance; a second in a row deserves a breath.</summary>
    public TimeSpan Wait(DateTimeOffset now)
    {
        Forget(now);
        return failures.Count < 2 || failures[^1] + SecondWait < now ? TimeSpan.Zero : failures[^1] + SecondWait - now;
    }

    private void Forget(DateTimeOffset now) => failures.RemoveAll(at => at + Window <= now);
}
