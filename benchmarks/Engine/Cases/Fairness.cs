using LlmPlatform.Benchmarks.Servers;

namespace LlmPlatform.Benchmarks.Cases;

/// <summary>One person has queued many long jobs when another one asks for a little.</summary>
internal sealed class Fairness() : Case(
    "fair", BenchmarkModel.Medium, streams: 16, contextTokens: 512, Metric.Milliseconds("other person's TTFT"))
{
    private const int Jobs = 100;
    private const int JobTokens = 200;
    private const int ShortTokens = 8;

    public override async Task<double[]> MeasureAsync(IServer server, int run)
    {
        var hasBegun = false;
        await using var jobs = new BackgroundStreams(
            server.Endpoint, Enumerable.Range(0, Jobs).Select(job => Prompts.Of(50, run, job)), JobTokens, _ => Volatile.Write(ref hasBegun, true));
        await jobs.UntilAsync(() => Volatile.Read(ref hasBegun));
        var reply = await server.OtherPerson.CompleteAsync(Prompts.Of(50, run, Jobs), ShortTokens);
        return [reply.FirstTextMilliseconds];
    }

    public override Task WarmAsync(IServer server) => server.OtherPerson.CompleteAsync("Once", ShortTokens);
}
