using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Conversations;

/// <summary>Says a token at each beat, and in it when that was: the clock is that of the whole machine.</summary>
internal sealed class TimekeepingModel(TimeSpan beat, int longest) : ITextGenerator
{
    // Hundredths of a millisecond of the last half hour: with them a token is about as long as a real one, so that a reply takes as much memory.
    private const long Round = 1L << 28;
    private static readonly long Unit = Stopwatch.Frequency / 100_000;

    /// <summary>How long ago a token was said that holds this time.</summary>
    public static double MillisecondsSince(string time)
    {
        var now = Stopwatch.GetTimestamp() / Unit % Round;
        return (now - long.Parse(time, NumberStyles.HexNumber, CultureInfo.InvariantCulture) + Round) % Round / 100.0;
    }

    public async IAsyncEnumerable<GenerationEvent> GenerateAsync(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var tokens = request.MaxTokens ?? longest;
        yield return new PromptAccepted(request.Messages.Count);
        using var timer = new PeriodicTimer(beat);
        for (var i = 0; i < tokens && await timer.WaitForNextTickAsync(cancellation); i++)
        {
            yield return new TextDelta(string.Create(CultureInfo.InvariantCulture, $"{i:x}:{Stopwatch.GetTimestamp() / Unit % Round:x} "), i + 1);
        }

        yield return new GenerationCompleted(FinishReason.Length, new TokenUsage(request.Messages.Count, tokens, 0), new GenerationTimings(default, default, default, 0, 0));
    }
}

internal sealed class OneModel : IModelCatalog
{
    private static readonly UsableModel Only = new("clock", ModelKind.Installed, "clock", 4096, DateTimeOffset.UnixEpoch);

    public Task<IReadOnlyList<UsableModel>> ListAsync(ModelUser user, CancellationToken cancellation) => Task.FromResult<IReadOnlyList<UsableModel>>([Only]);

    public Task<UsableModel?> FindAsync(string name, ModelUser user, CancellationToken cancellation) => Task.FromResult(name == Only.Name ? Only : null);

    public Task<string?> FindDefaultAsync(ModelUser user, CancellationToken cancellation) => Task.FromResult<string?>(Only.Name);
}
