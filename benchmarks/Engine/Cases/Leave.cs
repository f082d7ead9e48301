using System.Diagnostics;
using LlmPlatform.Benchmarks.Servers;

namespace LlmPlatform.Benchmarks.Cases;

/// <summary>One reader of many leaves: how long until the server says that it runs one sequence fewer.</summary>
internal sealed class Leave() : Case(
    "leave", BenchmarkModel.Medium, Readers, contextTokens: 512, Metric.Milliseconds("until one runs fewer"))
{
    private const int Readers = 16;
    private const int MaxTokens = 300;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(2);

    public override async Task<double[]> MeasureAsync(IServer server, int run)
    {
        if (await server.RunningAsync() is null)
        {
            Console.WriteLine("leave: the server does not say how many sequences run (`running` of the model, or a gauge in /metrics).");
            return [double.NaN];
        }

        var hasBegun = false;
        await using var streams = new BackgroundStreams(
            server.Endpoint, Enumerable.Range(0, Readers).Select(reader => Prompts.Of(50, run, reader)), MaxTokens, _ => Volatile.Write(ref hasBegun, true));
        await streams.UntilAsync(() => Volatile.Read(ref hasBegun));
        var all = await server.RunningAsync();
        for (var waited = Stopwatch.StartNew(); all < Readers && waited.Elapsed < Patience / 10; all = await server.RunningAsync())
        {
            await Task.Delay(LookAgain);
        }

        var left = Stopwatch.StartNew();
        await streams.LeaveAsync(0);
        while (await server.RunningAsync() >= all && left.Elapsed < Patience)
        {
            await Task.Delay(LookAgain);
        }

        return [left.Elapsed < Patience ? left.Elapsed.TotalMilliseconds : double.NaN];
    }
}
