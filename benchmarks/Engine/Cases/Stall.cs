using System.Collections.Concurrent;
using System.Diagnostics;
using LlmPlatform.Benchmarks.Servers;

namespace LlmPlatform.Benchmarks.Cases;

/// <summary>A long prompt arrives while a stream runs: the longest pause that the stream's reader sees.</summary>
internal sealed class Stall() : Case(
    "stall", BenchmarkModel.Medium, streams: 2, contextTokens: 4096,
    Metric.Milliseconds("longest gap", bound: 100), Metric.Milliseconds("long prompt's TTFT"))
{
    private const int LongPromptWords = 1900;
    private const int MaxTokens = 2000;
    private const int Underway = 16;

    public override async Task<double[]> MeasureAsync(IServer server, int run)
    {
        var parts = new ConcurrentQueue<long>();
        await using var stream = new BackgroundStreams(
            server.Endpoint, [Prompts.Of(8, run)], MaxTokens, _ => parts.Enqueue(Stopwatch.GetTimestamp()));
        await stream.UntilAsync(() => parts.Count >= Underway);
        var prompt = await server.Endpoint.CompleteAsync(Prompts.Of(LongPromptWords, run, 1), maxTokens: 2);
        await stream.UntilAsync(() => parts.Last() > prompt.Ended);

        var during = parts.Where(p => p > prompt.Sent).ToArray();
        var before = parts.Last(p => p <= prompt.Sent);
        var longest = during.Prepend(before).Zip(during, (from, to) => Stopwatch.GetElapsedTime(from, to).TotalMilliseconds).Max();
        return [longest, prompt.FirstTextMilliseconds];
    }
}
