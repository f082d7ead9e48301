using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using LlmPlatform.Inference.Engine.Constraints;
using LlmPlatform.Inference.Engine.Generation;
using LlmPlatform.Inference.Engine.Llama;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine;

/// <summary>
/// How fast the loop is by itself, without wire and host: a line of JSON per number of streams. Last, in turns, as many streams of any text and
/// of one that a schema describes: what is between them is the price of keeping to the schema.
/// </summary>
internal static class Measure
{
    private const uint Tokens = 256;
    private const int Rounds = 5;
    private const int FormStreams = 16;
    private const int CompileTurns = 101;
    private static readonly int[] Streams = [1, 16, 32];

    // As long as there are tokens, and with something of everything that schemas usually have.
    private static readonly OutputForm Form = new()
    {
        JsonSchema =
            """
            {"type":"array","minItems":1000,"items":{"type":"object","additionalProperties":false,"required":["id","name","tags","size","state"],"properties":{
             "id":{"type":"integer","minimum":0},"name":{"type":"string","maxLength":80},"tags":{"type":"array","items":{"type":"string"},"maxItems":4},
             "size":{"type":"object","properties":{"width":{"type":"number"},"height":{"type":"number"}},"required":["width","height"]},
             "state":{"enum":["new","open","closed"]}}}}
            """,
    };

    internal static async Task RunAsync(LlamaLibrary library, ModelOptions options, ILoggerFactory loggers)
    {
        var worker = new Worker(library, options, loggers);
        worker.Start();
        await worker.Loaded;
        foreach (var streams in Streams)
        {
            await RoundAsync(worker, streams, round: 0, form: null);
            var speeds = new List<double>();
            for (var round = 1; round <= Rounds; round++)
            {
                speeds.Add(await RoundAsync(worker, streams, round, form: null));
            }

            speeds.Sort();
            var threads = streams == 1 ? worker.Loaded.GetAwaiter().GetResult().DecodeThreads.Threads : worker.Loaded.GetAwaiter().GetResult().BatchThreads.Threads;
            StandardOutput.WriteLine(JsonSerializer.Serialize(new Speed(streams, speeds[Rounds / 2], threads), MeasureJson.Default.Speed));
        }

        await CompareFormAsync(worker);
    }

    private static async Task CompareFormAsync(Worker worker)
    {
        var (plain, formed) = (new List<double>(), new List<double>());
        for (var round = 1; round <= Rounds; round++)
        {
            plain.Add(await RoundAsync(worker, FormStreams, Rounds + round, form: null, temperature: 1));
            formed.Add(await RoundAsync(worker, FormStreams, (2 * Rounds) + round, Form, temperature: 1));
        }

        plain.Sort();
        formed.Sort();
        var price = new FormPrice(
            FormStreams, plain[Rounds / 2], formed[Rounds / 2], plain[Rounds / 2] / formed[Rounds / 2], CompileMilliseconds((await worker.Loaded).Constraints));
        StandardOutput.WriteLine(JsonSerializer.Serialize(price, MeasureJson.Default.FormPrice));
    }

    /// <summary>The median of schemas that nobody has compiled before.</summary>
    private static double CompileMilliseconds(ConstraintCompiler compiler)
    {
        var times = new List<double>();
        for (var turn = 0; turn < CompileTurns; turn++)
        {
            var schema = new ConstraintSource.JsonSchema(Form.JsonSchema.Replace("state", $"state{turn}", StringComparison.Ordinal));
            var started = Stopwatch.GetTimestamp();
            compiler.Compile(schema);
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        times.Sort();
        return times[CompileTurns / 2];
    }

    /// <summary>Tokens per second from the first token to the last, of all streams together.</summary>
    private static async Task<double> RoundAsync(Worker worker, int streams, int round, OutputForm? form, float temperature = 0)
    {
        var outbox = new Outbox();
        for (var stream = 0; stream < streams; stream++)
        {
            var request = new Submit
            {
                Id = (ulong)stream,
                Tenant = $"{round} {stream}",
                Text = $"Once {stream}",
                MaxTokens = Tokens,
                Sampling = new Sampling { IgnoreEos = true, Temperature = temperature },
                Form = form,
            };
            worker.Submit(new Sequence(request, outbox));
        }

        var speed = 0.0;
        for (var finished = 0; finished < streams;)
        {
            foreach (var news in (await outbox.ReadAsync(TimeSpan.FromMinutes(5), CancellationToken.None))!.Events)
            {
                if (news.Failed is { } failed)
                {
                    throw new InvalidOperationException(failed.Message);
                }

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

/// <param name="Streams">At a time.</param>
/// <param name="TokensPerSecond">Of any text.</param>
/// <param name="FormedTokensPerSecond">Of text that a schema describes.</param>
/// <param name="StepRatio">How much longer a step takes.</param>
/// <param name="CompileMilliseconds">For a schema that is new.</param>
internal sealed record FormPrice(int Streams, double TokensPerSecond, double FormedTokensPerSecond, double StepRatio, double CompileMilliseconds);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Speed))]
[JsonSerializable(typeof(FormPrice))]
internal sealed partial class MeasureJson : JsonSerializerContext;
