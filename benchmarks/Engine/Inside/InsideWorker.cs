using LlmPlatform.Benchmarks.Cases;
using LlmPlatform.Measuring;

namespace LlmPlatform.Benchmarks.Inside;

/// <summary>How much of llama.cpp's speed is left inside our worker, before host and HTTP take their part.</summary>
internal static class InsideWorker
{
    private const int Tokens = 128;
    private static readonly int[] PeerThreads = [1, 2];
    private static readonly (BenchmarkModel Model, double? Goal)[] Measured = [(BenchmarkModel.Trained, 0.95), (BenchmarkModel.Medium, null)];

    public static async Task CompareAsync(Options options, Models models, Comparison comparison)
    {
        foreach (var (model, goal) in Measured.Where(m => options.Cases.Count == 0 || options.Cases.Contains(m.Model.Name)))
        {
            var file = models.FileOf(model);
            var socket = Path.Combine(Directory.CreateTempSubdirectory("llmp-inside-").FullName, "engine.sock");
            List<MeasuredRun> runs = [];
            await using (var worker = await EngineWorker.StartAsync(file, socket))
            {
                await worker.DecodeAsync("Once", Tokens);
                for (var run = 0; run < options.Runs; run++)
                {
                    runs.Add(await RunAsync(Comparison.Ours, () => worker.DecodeAsync("Once", Tokens)));
                    foreach (var threads in options.Bench is null ? [] : PeerThreads)
                    {
                        runs.Add(await RunAsync($"-t {threads}", () => LlamaBench.TokensPerSecondAsync(options.Bench!, file, Tokens, threads)));
                    }
                }
            }

            Directory.Delete(Path.GetDirectoryName(socket)!, recursive: true);
            comparison.Add($"{model.Name} inside", [new Metric("of llama-bench tg", Metric.Throughput, MoreIsBetter: true, goal)], runs);
        }
    }

    private static async Task<MeasuredRun> RunAsync(string side, Func<Task<double>> measure)
    {
        var neighbours = new Neighbours();
        var value = await measure();
        return new MeasuredRun(side, [value], neighbours.Share());
    }
}
