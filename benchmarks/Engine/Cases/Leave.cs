using System.Diagnostics;
using LlmPlatform.Benchmarks.Servers;

namespace LlmPlatform.Benchmarks.Cases;

/// <summary>
/// One reader of many leaves: from the moment in which the host knows of it until the engine has freed the slot, beside the time of a step then.
/// Both are what the platform's own metrics say.
/// </summary>
internal sealed class Leave() : Case(
    "leave", BenchmarkModel.Medium, Readers, contextTokens: 512, Metric.Milliseconds("until the slot is free"), Metric.Milliseconds("a step"))
{
    private const int Readers = 16;
    private const int MaxTokens = 300;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(10);

    public override async Task<double[]> MeasureAsync(IServer server, int run)
    {
        var begun = 0;
        await using var streams = new BackgroundStreams(
            server.Endpoint, Enumerable.Range(0, Readers).Select(reader => Prompts.Of(50, run, reader)), MaxTokens, _ => Interlocked.Increment(ref begun));
        await streams.UntilAsync(() => Volatile.Read(ref begun) > 4 * Readers);
        var before = await server.CountersAsync();
        await streams.LeaveAsync(0);
        var left = Stopwatch.StartNew();
        var after = await server.CountersAsync();
        while (after.Cancels == before.Cancels && left.Elapsed < Patience)
        {
            await Task.Delay(LookAgain);
            after = await server.CountersAsync();
        }

        // Where the server never says so, this is 0 / 0: no value.
        return
        [
            1000 * (after.CancelSeconds - before.CancelSeconds) / (after.Cancels - before.Cancels),
            1000 * (after.StepSeconds - before.StepSeconds) / (after.Steps - before.Steps),
        ];
    }
}
