using System.Diagnostics;
using CsCheck;
using LlmPlatform.Inference.Models;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class GgufFileTests
{
    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(1);
    private const long MemoryLimit = 64 << 20;

    public static TheoryData<string> HostileFiles => [.. HostileGguf.Files.Keys];

    [Theory]
    [MemberData(nameof(HostileFiles))]
    public void A_hostile_file_is_refused_with_its_code(string name)
    {
        var (code, create) = HostileGguf.Files[name];
        var bytes = create();

        var refusal = Assert.Throws<GgufException>(() => Bounded(bytes));

        Assert.Equal(code, refusal.Code);
        Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_web_page_is_called_a_web_page()
    {
        var refusal = Assert.Throws<GgufException>(() => Read("<html>"u8.ToArray()));

        Assert.Contains("web page", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Four_million_empty_texts_are_read_within_the_limits()
    {
        var bytes = HostileGguf.Valid().Raw("x", 9, [8, 0, 0, 0, .. BitConverter.GetBytes(4_000_000UL), .. new byte[32_000_000]]).ToArray();

        Assert.Equal(4_000_000, Bounded(bytes).Metadata.GetArray("x")?.Count);
    }

    [Fact]
    public void A_header_larger_than_the_budget_is_refused_however_small_its_parts()
    {
        var writer = HostileGguf.Valid();
        var list = new byte[] { 10, 0, 0, 0 }.Concat(BitConverter.GetBytes(4_000_000UL)).Concat(new byte[32_000_000]).ToArray();
        for (var i = 0; i < 5; i++)
        {
            writer.Raw($"x{i}", 9, list);
        }

        var bytes = writer.ToArray();

        Assert.Equal(GgufCodes.Limit, Assert.Throws<GgufException>(() => Bounded(bytes)).Code);
    }

    [Fact]
    public void As_many_tensors_as_are_allowed_fit_into_the_limits()
    {
        var writer = HostileGguf.Valid();
        for (var i = 0; i < 100_000 - 12; i++)
        {
            writer.Add(new($"extra.{i}.with.a.name.as.long.as.names.of.tensors.may.be", 24, [32, 1, 1, 1], 32, stream => stream.Write(new byte[32])));
        }

        var bytes = writer.ToArray();

        Assert.Equal(100_000, Bounded(bytes).Tensors.Count);
    }

    [Fact]
    public void A_changed_header_is_refused_or_stays_inside_its_file()
    {
        var valid = HostileGguf.Valid().ToArray();
        var header = (int)Read(valid).DataStart;
        var change = Gen.Select(Gen.Int[0, header - 1], Gen.Byte);

        Gen.Select(change.Array[1, 8], Gen.Int[0, valid.Length]).Sample((changes, cut) =>
        {
            // Half of the files are cut as well.
            var bytes = valid[..(cut % 2 == 0 ? valid.Length : cut)];
            foreach (var (position, value) in changes)
            {
                if (position < bytes.Length)
                {
                    bytes[position] = value;
                }
            }

            AssertRefusedOrInside(bytes);
        }, iter: 5_000);
    }

    [Fact]
    public void Changed_numbers_in_the_list_of_tensors_are_refused_or_stay_inside_the_file()
    {
        var valid = HostileGguf.Valid().ToArray();
        var header = (int)Read(valid).DataStart;
        var number = Gen.OneOf(Gen.ULong, Gen.Int[0, 63].Select(bit => 1UL << bit), Gen.Int[0, 63].Select(bit => (1UL << bit) - 32), Gen.ULong[0, 1 << 20]);

        // The list is at most 900 bytes long and lies at the end of the header.
        Gen.Select(Gen.Int[header - 900, header - 8], number).Sample((position, value) =>
        {
            var bytes = valid.ToArray();
            BitConverter.TryWriteBytes(bytes.AsSpan(position), value);
            AssertRefusedOrInside(bytes);
        }, iter: 5_000);
    }

    [Fact]
    public void A_header_is_read_off_a_stream_that_holds_no_weights()
    {
        var bytes = HostileGguf.Valid().ToArray();
        var whole = Read(bytes);

        var header = GgufFile.Read(new OneWayStream(bytes[..(int)whole.DataStart]), bytes.Length);

        Assert.Equal(whole.WeightsBytes, header.WeightsBytes);
    }

    [Theory]
    [InlineData(TensorType.F32)]
    [InlineData(TensorType.F16)]
    [InlineData(TensorType.Q8_0)]
    [InlineData(TensorType.Q4_0)]
    public void A_random_model_of_each_tensor_type_is_accepted(TensorType type)
    {
        var stream = new MemoryStream();
        TinyModel.Write(stream, TinyShape.Tiny with { TensorType = type }, seed: 1);
        stream.Position = 0;

        var file = GgufFile.Read(stream, stream.Length);

        Assert.Equal($"{type}", file.Tensors[0].Type.Name);
        Assert.Equal(stream.Length, file.DataStart + file.WeightsBytes);
    }

    [Fact]
    public void The_shared_random_model_says_what_it_is()
    {
        var file = GgufFile.Read(TinyModel.Path);

        Assert.Equal(("llama", "random llama", "mit"), (file.Architecture, file.Name, file.Licence));
        Assert.Equal((512u, 2u, 64u, 4L, 2L), (file.ContextLength, file.BlockCount, file.EmbeddingLength, file.HeadCount, file.KvHeadCount));
        Assert.Equal((768, TinyModel.ChatTemplate, 3u), (file.TokenCount, file.ChatTemplate, file.Version));
    }

    [Fact]
    public void A_trained_model_is_accepted_with_its_numbers()
    {
        Assert.SkipWhen(RealModel.Path is null, RealModel.Missing);

        var file = GgufFile.Read(RealModel.Path!);

        Assert.Equal(("llama", 512, 2048u, 5u, 64u), (file.Architecture, file.TokenCount, file.ContextLength, file.BlockCount, file.EmbeddingLength));
        Assert.Equal((8L, 4L), (file.HeadCount, file.KvHeadCount));
        Assert.Equal(new FileInfo(RealModel.Path!).Length, file.DataStart + file.WeightsBytes);
        Assert.Equal(292_800, file.ParameterCount);
    }

    private static GgufFile Read(byte[] bytes) => GgufFile.Read(new MemoryStream(bytes), bytes.Length);

    /// <summary>Reads again when it took too long, since the machine may have been busy with something else.</summary>
    private static GgufFile Bounded(byte[] bytes)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (file, refusal) = (default(GgufFile), default(GgufException));
            var before = GC.GetAllocatedBytesForCurrentThread();
            var started = Stopwatch.GetTimestamp();
            try
            {
                file = Read(bytes);
            }
            catch (GgufException exception)
            {
                refusal = exception;
            }

            var elapsed = Stopwatch.GetElapsedTime(started);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MemoryLimit);
            if (elapsed <= TimeLimit)
            {
                return file ?? throw refusal!;
            }

            Assert.True(attempt < 3, $"Reading the header took {elapsed}.");
        }
    }

    private static void AssertRefusedOrInside(byte[] bytes)
    {
        GgufFile file;
        try
        {
            file = Read(bytes);
        }
        catch (GgufException)
        {
            return;
        }

        var end = file.DataStart;
        foreach (var tensor in file.Tensors)
        {
            Assert.InRange(file.DataStart + tensor.Offset, end, bytes.Length);
            end = checked(file.DataStart + tensor.Offset + tensor.Bytes);
        }

        Assert.InRange(end, file.DataStart, bytes.Length);
    }

    private sealed class OneWayStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }
}
