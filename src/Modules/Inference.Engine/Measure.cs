using System.Text.Json;
using System.Text.Json.Serialization;
using LlmPlatform.Inference.Engine.Generation;
using LlmPlatform.Inference.Engine.Llama;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine;

/// <summary>How fast the loop is by itself, without wire and host: a line of JSON per number of streams.</summary>
internal static class Measure
{
    private const uint Tokens = 256;
    private const int Rounds = 5;
    private static readonly int[] Streams = [1, 16, 32];

    internal static async Task RunAsync(LlamaLibrary library, ModelOptions options, ILoggerFactory loggers)
    {
        var worker = new Worker(library, options, loggers);
        worker.Start();
        await worker.Loaded;
        foreach (var streams in Streams)
        {
            await RoundAsync(worker, streams, round: 0);
            var speeds = new List<double>();
            for (var round = 1; round <= Rounds; round++)
            {
                speeds.Add(await RoundAsync(worker, streams, round));
            }

            speeds.Sort();
            var threads = streams == 1 ? worker.Loaded.GetAwaiter().GetResult().DecodeThreads.Threads : worker.Loaded.GetAwaiter().GetResult().BatchThreads.Threads;
            StandardOutput.WriteLine(JsonSerializer.Serialize(new Speed(streams, speeds[Rounds / 2], threads), MeasureJson.Default.Speed));
        }
    }

    /// <summary>Tokens per second from the first token to the last, of all streams together.</summary>
    private static async Task<double> RoundAsync(Worker worker, int streams, int round)
    {
        var outbox = new Outbox();
        for (var stream = 0; stream < streams; stream++)
        {
            var request = new Submit { Id = (ulong)stream, Tenant = $"{round} {stream}", Text = $"Once {stream}", MaxTokens = Tokens, Sampling = new Sampling { IgnoreEos = true } };
            worker.Submit(new Sequence(request, outbox));
        }

        var speed = 0.0;
        for (var finished = 0; finished < streams;)
        {
            foreach (var news in (await outbox.ReadAsync(TimeSpan.FromMinutes(5), CancellationToken.None))!.Events)
            {
                if (news.Finished is { } end)
                {
                    finished++;
                    speed += (end.Usage.CompletionTokens - 1) * 1e6 / end.Timings.Decode;
                }
            }
        }

        return speed;
    }
}

internal sealed record Speed(int Streams, double TokensPerSecond, int Threads);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Speed))]
internal sealed partial class MeasureJson : JsonSerializerContext;
