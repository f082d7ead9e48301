using System.Globalization;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.Inference.Models;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class ModelMemoryTests
{
    private const long MiB = 1 << 20;

    // As large as a model has to be for its parts to show beside the process.
    private static readonly ModelShape Base = new(8, 512, 1408, 8, 4, 4096, 4000, TensorType.Q8_0);

    public static TheoryData<string, ModelShape, int, KvCacheType> Workers => new()
    {
        { "a tiny model", ModelShape.Tiny, 512, KvCacheType.F16 },
        { "a small model", Base, 512, KvCacheType.F16 },
        { "a long context", Base with { Context = 32_768 }, 32_768, KvCacheType.F16 },
        { "a long context in bytes", Base with { Context = 32_768 }, 32_768, KvCacheType.Q8 },
        { "a long context in nibbles", Base with { Context = 32_768 }, 32_768, KvCacheType.Q4 },
        { "a large vocabulary", Base with { Vocabulary = 64_000 }, 2048, KvCacheType.F16 },
        { "wide layers", Base with { FeedForward = 16_384, Layers = 4, TensorType = TensorType.F16 }, 2048, KvCacheType.F16 },
        { "weights that are repacked", Base with { Embedding = 1024, FeedForward = 4096, Layers = 12, TensorType = TensorType.Q4_0 }, 1024, KvCacheType.F16 },
    };

    [Theory]
    [MemberData(nameof(Workers))]
    public async Task A_worker_takes_about_as_much_as_was_said(string name, ModelShape shape, int context, KvCacheType type)
    {
        var path = Path.GetTempFileName();
        await using (var file = File.Create(path))
        {
            TinyModel.Write(file, shape, seed: 1);
        }

        var said = ModelMemory.Of(GgufFile.Read(path)).Estimate(context, type, slots: 1);
        await using (var worker = await WorkerProcess.StartReadyAsync(path, "--threads", "2", "--slots", "1", "--context", $"{context}", "--kv-type", type.Name()))
        {
            await worker.GenerateAsync(new Submit { Text = string.Concat(Enumerable.Repeat("Once upon a time. ", 20)), MaxTokens = 4, Sampling = new Sampling() });
            var (own, mapped) = Resident(worker.Process.Id);
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"{name}: said {said.TotalBytes / MiB} MiB (weights {said.WeightsBytes / MiB}, KV {said.KvCacheBytes / MiB}, compute {said.ComputeBytes / MiB}, process {said.ProcessBytes / MiB}), took {own / MiB} + {mapped / MiB} MiB");
            Assert.InRange(own + mapped, said.TotalBytes / 2, said.TotalBytes * 5 / 4);
        }

        File.Delete(path);
    }

    private static (long Own, long Mapped) Resident(int process)
    {
        var status = File.ReadAllLines($"/proc/{process}/status").Select(line => line.Split(':', 2)).ToDictionary(line => line[0], line => line[1]);
        long Bytes(string name) => long.Parse(status[name].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * 1024;
        return (Bytes("RssAnon"), Bytes("RssFile"));
    }
}
