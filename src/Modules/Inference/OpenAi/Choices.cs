using System.Runtime.CompilerServices;
using System.Threading.Channels;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Inference.OpenAi;

/// <summary>News of one of the choices that a request asks for.</summary>
internal sealed record ChoiceNews(int Index, GenerationEvent News);

/// <summary>Runs the generations of a request (<c>n</c>) side by side, as one stream.</summary>
internal static class Choices
{
    /// <summary>Where one fails, the others end and the failure is the stream's.</summary>
    public static IAsyncEnumerable<ChoiceNews> RunAsync(
        int count, Func<int, CancellationToken, IAsyncEnumerable<GenerationEvent>> start, CancellationToken cancellation) =>
        count == 1 ? Number(start(0, cancellation), 0) : MergeAsync(count, start, cancellation);

    private static IAsyncEnumerable<ChoiceNews> Number(IAsyncEnumerable<GenerationEvent> events, int index) =>
        events.Select(news => new ChoiceNews(index, news));

    private static async IAsyncEnumerable<ChoiceNews> MergeAsync(
        int count, Func<int, CancellationToken, IAsyncEnumerable<GenerationEvent>> start, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        // Small, so that a slow reader is noticed where the generations run.
        var merged = Channel.CreateBounded<ChoiceNews>(new BoundedChannelOptions(count) { SingleReader = true });
        var running = count;
        var pumps = Enumerable.Range(0, count).Select(index => PumpAsync(Number(start(index, ending.Token), index))).ToList();
        try
        {
            await foreach (var news in merged.Reader.ReadAllAsync(cancellation))
            {
                yield return news;
            }
        }
        finally
        {
            await ending.CancelAsync();
            await Task.WhenAll(pumps);
        }

        async Task PumpAsync(IAsyncEnumerable<ChoiceNews> events)
        {
            try
            {
                await foreach (var news in events)
                {
                    await merged.Writer.WriteAsync(news, ending.Token);
                }

                if (Interlocked.Decrement(ref running) == 0)
                {
                    merged.Writer.TryComplete();
                }
            }
            catch (Exception failure)
            {
                merged.Writer.TryComplete(failure); // the first one is what the reader sees
            }
        }
    }
}

/// <summary>What the choices of a request use together: one prompt, and every completion.</summary>
internal sealed class ChoicesUsage(GenerationParams wanted)
{
    private int running = wanted.Choices;
    private GenerationTimings? timings;
    private TokenUsage sum = new(0, 0, 0);

    public UsageEntry Total => UsageEntry.Of(sum, timings);

    /// <summary>True for the last of the choices.</summary>
    public bool Add(int index, GenerationCompleted completed)
    {
        var usage = completed.Usage;
        timings = wanted.WithTimings && index == 0 ? completed.Timings : timings;
        var prompt = index == 0 ? usage : sum;
        sum = prompt with
        {
            CompletionTokens = sum.CompletionTokens + usage.CompletionTokens,
            ReasoningTokens = sum.ReasoningTokens + usage.ReasoningTokens,
        };
        return --running == 0;
    }
}
