using System.Globalization;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.Inference.Models;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class ModelMemoryTests
{
    private const long MiB = 1 << 20;

    // As large as a model has to be for its parts to show beside the process.
    private static readonly TinyShape Base = new(8, 512, 1408, 8, 4, 4096, 4000, TensorType.Q8_0);

    public static TheoryData<string, TinyShape, int, KvCacheType, bool> Workers => new()
    {
        { "a tiny model", TinyShape.Tiny, 512, KvCacheType.F16, false },
        { "a small model", Base, 512, KvCacheType.F16, false },
        { "a long context", Base with { Context = 32_768 }, 32_768, KvCacheType.F16, false },
        { "a long context in bytes", Base with { Context = 32_768 }, 32_768, KvCacheType.Q8, false },
        { "a long context in nibbles", Base with { Context = 32_768 }, 32_768, KvCacheType.Q4, false },
        { "a long context that is full", new(1, 64, 192, 1, 1, 16_384, 4000, TensorType.Q8_0), 16_384, KvCacheType.F16, true },
        { "a large vocabulary", Base with { Vocabulary = 64_000 }, 2048, KvCacheType.F16, false },
        { "wide layers", Base with { FeedForward = 16_384, Layers = 4, TensorType = TensorType.F16 }, 2048, KvCacheType.F16, false },
        { "weights that are repacked", Base with { Embedding = 1024, FeedForward = 4096, Layers = 12, TensorType = TensorType.Q4_0 }, 1024, KvCacheType.F16, false },
    };

    [Theory]
    [MemberData(nameof(Workers))]
    public async Task A_worker_takes_about_as_much_as_was_said(string name, TinyShape shape, int context, KvCacheType type, bool longPrompt)
    {
        var path = Path.GetTempFileName();
        await using (var file = File.Create(path))
        {
            TinyModel.Write(file, shape, seed: 1);
        }

        var said = ModelMemory.Of(GgufFile.Read(path)).Estimate(context, type, slots: 1);
        await using (var worker = await WorkerProcess.StartReadyAsync(path, "--threads", "2", "--slots", "1", "--context", $"{context}", "--kv-type", type.Name(), "--memory", $"{said.KvCacheBytes}"))
        {
            // The buffers of a step are only taken in full by a full step, and those of a long context by a long prompt.
            var reply = await worker.GenerateAsync(new Submit { Text = string.Concat(Enumerable.Repeat("Once upon a time. ", (Math.Min(context, longPrompt ? context : 1024) - 16) / 9)), MaxTokens = 2 });
            Assert.NotNull(reply.Finished);
            var (own, mapped) = Resident(worker.Process.Id);
            var took = $"{name}: said {said.TotalBytes / MiB} MiB (weights {said.WeightsBytes / MiB}, KV {said.KvCacheBytes / MiB}, compute {said.ComputeBytes / MiB}), took {own / MiB} MiB of its own and {mapped / MiB} MiB of files";
            TestContext.Current.TestOutputHelper?.WriteLine(took);
            // Weights that were repacked for the processor are there twice, but the file's pages can be taken back at any time.
            Assert.True(own < said.TotalBytes, took);
            Assert.True(own + mapped > said.TotalBytes * 2 / 3 && own + mapped < said.TotalBytes * 3 / 2, took);
        }

        File.Delete(path);
    }

    // Numbers that can be worked out by hand: 32 layers with 8 of 32 heads of 128 for keys and for values, as in Llama 3.1 8B.
    [Theory]
    [InlineData(KvCacheType.F16, 32 * 8 * 128 * 2 * 2)]
    [InlineData(KvCacheType.Q8, 32 * 8 * 128 * 2 * 34 / 32)]
    [InlineData(KvCacheType.Q4, 32 * 8 * 128 * 2 * 18 / 32)]
    public void Keys_and_values_of_a_token_weigh_what_one_works_out_by_hand(KvCacheType type, long bytes)
    {
        var memory = Header(("block_count", 32u), ("attention.head_count", 32u), ("attention.head_count_kv", 8u), ("attention.key_length", 128u), ("attention.value_length", 128u));

        Assert.Equal(bytes, memory.KvBytesPerToken(type));
        Assert.Equal(bytes * 8192, memory.KvBytes(8192, type));
        Assert.Equal(bytes * 8192, memory.KvBytes(8000, type)); // llama.cpp rounds up
    }

    [Fact]
    public void The_widths_of_a_head_come_from_the_embedding_where_nobody_gives_them()
    {
        var memory = Header(("block_count", 3u), ("attention.head_count", 2u), ("attention.head_count_kv", 1u));

        Assert.Equal(3 * 16 * 2 * 2, memory.KvBytesPerToken(KvCacheType.F16)); // 32 for 2 heads
    }

    [Fact]
    public void Layers_without_attention_keep_no_keys()
    {
        var memory = Header(("block_count", 3u), ("attention.head_count", (uint[])[2u, 0u, 2u]), ("attention.head_count_kv", (uint[])[2u, 0u, 1u]));

        Assert.Equal((2 + 1) * 16 * 2 * 2, memory.KvBytesPerToken(KvCacheType.F16));
    }

    [Fact]
    public void Keys_and_values_may_differ_in_width()
    {
        var memory = Header(("block_count", 1u), ("attention.key_length", 192u), ("attention.value_length", 128u), ("attention.head_count_kv", 1u));

        Assert.Equal((192 + 128) * 2, memory.KvBytesPerToken(KvCacheType.F16));
    }

    [Fact]
    public void Where_key_value_heads_are_not_given_all_heads_have_their_own()
    {
        var memory = Header(("block_count", 1u), ("attention.head_count", 2u), ("attention.head_count_kv", null));

        Assert.Equal(2 * 16 * 2 * 2, memory.KvBytesPerToken(KvCacheType.F16));
    }

    [Theory]
    [InlineData(64u, true)]
    [InlineData(80u, false)]
    public void A_head_is_quantised_in_blocks_of_32_or_not_at_all(uint width, bool isPossible)
    {
        var memory = Header(("attention.key_length", width), ("attention.value_length", width));

        Assert.Equal((true, isPossible, isPossible), (memory.Supports(KvCacheType.F16), memory.Supports(KvCacheType.Q8), memory.Supports(KvCacheType.Q4)));
    }

    [Fact]
    public void Recurrent_layers_keep_a_state_for_every_sequence()
    {
        (string, object?)[] mamba = [("block_count", 4u), ("ssm.conv_kernel", 4u), ("ssm.inner_size", 1024u), ("ssm.state_size", 16u)];
        var (one, eight) = (Header(mamba).Estimate(256, KvCacheType.F16, slots: 1), Header(mamba).Estimate(256, KvCacheType.F16, slots: 8));

        // Besides the state, a sequence asks for the scores of one token.
        Assert.Equal(7 * 4 * (((4 * 3 * 1024) + (4 * 16 * 1024)) + HostileGguf.Shape.Vocabulary), eight.ComputeBytes - one.ComputeBytes);
    }

    [Fact]
    public void Weights_are_the_tensors_of_the_file_and_the_sum_is_a_sum()
    {
        var bytes = HostileGguf.Valid().ToArray();
        var file = GgufFile.Read(new MemoryStream(bytes), bytes.Length);
        var estimate = ModelMemory.Of(file).Estimate(64, KvCacheType.F16);

        Assert.Equal(bytes.Length - file.DataStart, estimate.WeightsBytes);
        Assert.Equal(estimate.WeightsBytes + estimate.KvCacheBytes + estimate.ComputeBytes + estimate.ProcessBytes, estimate.TotalBytes);
    }

    [Fact]
    public void The_largest_header_that_is_accepted_makes_no_number_wrap()
    {
        var memory = Header(("block_count", 512u), ("attention.head_count", 1u << 14), ("attention.head_count_kv", 1u << 14), ("attention.key_length", uint.MaxValue),
            ("attention.value_length", uint.MaxValue), ("context_length", 1u << 28), ("feed_forward_length", uint.MaxValue));

        Assert.True(memory.Estimate(1 << 28, KvCacheType.F16, slots: 64).TotalBytes > 0);
    }

    private static ModelMemory Header(params (string Key, object? Value)[] keys)
    {
        var writer = HostileGguf.Valid();
        foreach (var (key, value) in keys)
        {
            _ = value is null ? writer.Remove($"llama.{key}") : writer.Set($"llama.{key}", value);
        }

        var bytes = writer.ToArray();
        return ModelMemory.Of(GgufFile.Read(new MemoryStream(bytes), bytes.Length));
    }

    private static (long Own, long Mapped) Resident(int process)
    {
        var status = File.ReadAllLines($"/proc/{process}/status").Select(line => line.Split(':', 2)).ToDictionary(line => line[0], line => line[1]);
        long Bytes(string name) => long.Parse(status[name].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * 1024;
        return (Bytes("RssAnon"), Bytes("RssFile"));
    }
}
