using System.Diagnostics;
using System.Globalization;
using LlmPlatform.Benchmarks.Cases;
using LlmPlatform.Benchmarks.Servers;
using LlmPlatform.Measuring;

namespace LlmPlatform.Benchmarks;

/// <summary>Runs a case on our platform and on llama-server with one thread and with two, in turns. Only one of them computes at a time.</summary>
internal sealed class SideBySide(Options options, Platform platform, Models models, string folder)
{
    private static readonly int[] PeerThreads = [1, 2];

    // What is compared are servers that run for weeks: .NET has compiled its hot paths by then, and caches and pools are filled on both sides.
    private static readonly TimeSpan Warmup = TimeSpan.FromSeconds(8);

    public async Task<List<MeasuredRun>> RunAsync(Case measured)
    {
        List<LlamaServer> peers = [];
        try
        {
            var file = models.FileOf(measured.Model);
            List<IServer> sides = [await platform.ServeAsync(measured.Model, file)];
            foreach (var threads in measured.IsOursOnly ? [] : PeerThreads)
            {
                var log = Path.Combine(folder, $"{measured.Name}-t{threads}.log");
                peers.Add(await LlamaServer.StartAsync(options.Peer!, file, measured.Streams, measured.ContextTokens, threads, log));
                sides.Add(peers[^1]);
            }

            foreach (var side in sides)
            {
                var warming = Stopwatch.StartNew();
                do
                {
                    await measured.WarmAsync(side);
                }
                while (warming.Elapsed < Warmup);
            }

            List<MeasuredRun> results = [];
            for (var run = 0; run < options.Runs; run++)
            {
                // There and back, so that a machine that gets slower or faster favours nobody.
                foreach (var side in run % 2 == 0 ? sides : sides.AsEnumerable().Reverse())
                {
                    await Neighbours.WaitForQuietAsync(options.Patience);
                    var neighbours = new Neighbours();
                    var values = await measured.MeasureAsync(side, run);
                    results.Add(new MeasuredRun(side.Name, values, neighbours.Share()));
                    Console.WriteLine($"  run {run + 1}, {side.Name}: {string.Join(", ", values.Select(v => v.ToString("0.0", CultureInfo.InvariantCulture)))}");
                }
            }

            return results;
        }
        finally
        {
            foreach (var peer in peers)
            {
                await peer.DisposeAsync();
            }
        }
    }
}
