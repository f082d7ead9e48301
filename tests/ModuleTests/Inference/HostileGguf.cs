using System.Text;
using LlmPlatform.Inference.Models;
using LlmPlatform.ModuleTests.Support;

namespace LlmPlatform.ModuleTests.Inference;

/// <summary>Files that somebody could offer as a model, by a name that says what is wrong, with the code that refuses them.</summary>
internal static class HostileGguf
{
    public static readonly TinyShape Shape = new(1, 32, 32, 2, 1, 64, 1024, TensorType.Q8_0);

    public static readonly IReadOnlyDictionary<string, (string Code, Func<byte[]> Bytes)> Files =
        NotGguf().Concat(Headers()).Concat(Keys()).Concat(Networks()).Concat(Vocabularies()).Concat(Tensors()).ToDictionary(
            file => file.Name, file => (file.Code, file.Bytes));

    public static GgufWriter Valid() => TinyModel.Compose(Shape, seed: 1);

    private static IEnumerable<(string Name, string Code, Func<byte[]> Bytes)> NotGguf()
    {
        yield return ("nothing", GgufCodes.Empty, () => []);
        yield return ("one letter of the magic", GgufCodes.Truncated, () => "G"u8.ToArray());
        yield return ("the magic alone", GgufCodes.Truncated, () => "GGUF"u8.ToArray());
        yield return ("another magic", GgufCodes.Magic, () => "GGUX\u0003\0\0\0"u8.ToArray());
        yield return ("a web page", GgufCodes.Magic, () => "<!DOCTYPE html><html><title>Sign in</title></html>"u8.ToArray());
        yield return ("an error in JSON", GgufCodes.Magic, () => "{\"error\":\"Repository not found\"}"u8.ToArray());
        yield return ("a Git LFS pointer", GgufCodes.Magic, () => "version https://git-lfs.github.com/spec/v1\noid sha256:0"u8.ToArray());
        yield return ("a ZIP archive", GgufCodes.Magic, () => "PK\u0003\u0004pytorch_model.bin"u8.ToArray());
        yield return ("a gzip stream", GgufCodes.Magic, () => [0x1F, 0x8B, 8, 0, 0, 0, 0, 0]);
        yield return ("safetensors", GgufCodes.Magic, () => [.. BitConverter.GetBytes(64L), .. "{\"__metadata__\":{}}"u8]);
        yield return ("the older format", GgufCodes.Magic, () => "tjgg\u0003\0\0\0"u8.ToArray());
        yield return ("zeros", GgufCodes.Magic, () => new byte[4096]);
    }

    private static IEnumerable<(string Name, string Code, Func<byte[]> Bytes)> Headers()
    {
        yield return ("a header without counts", GgufCodes.Truncated, () => Valid().ToArray()[..8]);
        yield return ("a header without keys", GgufCodes.Truncated, () => Valid().ToArray()[..24]);
        yield return ("a cut in a key", GgufCodes.Truncated, () => Valid().ToArray()[..40]);
        yield return ("a cut in the vocabulary", GgufCodes.Truncated, () => Valid().ToArray()[..2000]);
        yield return ("a missing last byte", GgufCodes.Extent, () => Valid().ToArray()[..^1]);
        yield return ("version 0", GgufCodes.Version, () => With(writer => writer.Version = 0));
        yield return ("version 1", GgufCodes.Version, () => With(writer => writer.Version = 1));
        yield return ("version 4", GgufCodes.Version, () => With(writer => writer.Version = 4));
        yield return ("a big-endian file", GgufCodes.Version, () => With(writer => writer.Version = 0x03000000));
        yield return ("2^63 keys", GgufCodes.Limit, () => With(writer => writer.ClaimedKeys = 1UL << 63));
        yield return ("2^64-1 keys", GgufCodes.Limit, () => With(writer => writer.ClaimedKeys = ulong.MaxValue));
        yield return ("65,537 keys", GgufCodes.Limit, () => With(writer => writer.ClaimedKeys = 65_537));
        yield return ("more keys than bytes", GgufCodes.Truncated, () => With(writer => writer.ClaimedKeys = 60_000));
        yield return ("2^63 tensors", GgufCodes.Limit, () => With(writer => writer.ClaimedTensors = 1UL << 63));
        yield return ("100,001 tensors", GgufCodes.Limit, () => With(writer => writer.ClaimedTensors = 100_001));
        yield return ("no tensors", GgufCodes.Tensor, () => With(writer => writer.ClearTensors()));
        yield return ("one key more than there are", GgufCodes.Limit, () => With(writer => writer.ClaimedKeys = writer.Keys + 1));
        yield return ("one key fewer than there are", GgufCodes.Tensor, () => With(writer => writer.ClaimedKeys = writer.Keys - 1));
        yield return ("alignment 0", GgufCodes.Alignment, () => With(writer => writer.Set("general.alignment", 0u)));
        yield return ("alignment 4", GgufCodes.Alignment, () => With(writer => writer.Set("general.alignment", 4u)));
        yield return ("alignment 48", GgufCodes.Alignment, () => With(writer => writer.Set("general.alignment", 48u)));
        yield return ("alignment 2^31", GgufCodes.Alignment, () => With(writer => writer.Set("general.alignment", 1u << 31)));
        yield return ("alignment in 64 bits", GgufCodes.Type, () => With(writer => writer.Set("general.alignment", 32UL)));
    }

    private static IEnumerable<(string Name, string Code, Func<byte[]> Bytes)> Keys()
    {
        yield return ("an empty key", GgufCodes.Key, () => Entry([], 4, new byte[4]));
        yield return ("a key with a zero byte", GgufCodes.Key, () => Entry("a\0b"u8.ToArray(), 4, new byte[4]));
        yield return ("a key that is no UTF-8", GgufCodes.Key, () => Entry([0xFF, 0xFE], 4, new byte[4]));
        yield return ("a key of 2,000 bytes", GgufCodes.Limit, () => Entry(new byte[2000], 4, new byte[4]));
        yield return ("a key of 2^64-1 bytes", GgufCodes.Limit, () => With(writer => writer.Append([.. Number(ulong.MaxValue), .. new byte[20]])));
        yield return ("the same key twice", GgufCodes.Key, () => Entry("general.name"u8.ToArray(), 8, GgufWriter.Text("again")));
        yield return ("type 13", GgufCodes.Type, () => With(writer => writer.Raw("x", 13, new byte[8])));
        yield return ("type 2^32-1", GgufCodes.Type, () => With(writer => writer.Raw("x", uint.MaxValue, new byte[8])));
        yield return ("a text of 2^64-1 bytes", GgufCodes.Limit, () => With(writer => writer.Raw("x", 8, Number(ulong.MaxValue))));
        yield return ("a text of 2^63 bytes", GgufCodes.Limit, () => With(writer => writer.Raw("x", 8, Number(1UL << 63))));
        yield return ("a text longer than the file", GgufCodes.Truncated, () => With(writer => writer.Raw("x", 8, Number(1 << 20))));
        yield return ("a text of 2 MiB", GgufCodes.Limit, () => With(writer => writer.Set("x", new string('x', 2 << 20))));
        yield return ("eight texts of 1 MiB", GgufCodes.Limit, () => With(writer =>
        {
            for (var i = 0; i < 8; i++)
            {
                writer.Set($"x{i}", new string('x', 1 << 20));
            }
        }));
        yield return ("an array of 2^64-1 bytes", GgufCodes.Limit, () => With(writer => writer.Raw("x", 9, ArrayHead(0, ulong.MaxValue))));
        yield return ("an array of 2^62 numbers", GgufCodes.Limit, () => With(writer => writer.Raw("x", 9, ArrayHead(10, 1UL << 62))));
        yield return ("an array longer than the file", GgufCodes.Truncated, () => With(writer => writer.Raw("x", 9, ArrayHead(10, 4_000_000))));
        yield return ("an array of type 99", GgufCodes.Type, () => With(writer => writer.Raw("x", 9, ArrayHead(99, 1))));
        yield return ("arrays nested 1,000 deep", GgufCodes.Type, () => With(writer => writer.Raw("x", 9,
            [.. Enumerable.Repeat(ArrayHead(9, 1), 1000).SelectMany(head => head)])));
        yield return ("a list whose text is longer than the file", GgufCodes.Truncated, () => With(writer =>
            writer.Raw("x", 9, [.. ArrayHead(8, 1), .. Number(1 << 20)])));
        yield return ("20,000 lists of 512 numbers", GgufCodes.Limit, () => With(writer =>
        {
            var list = ArrayHead(4, 512).Concat(new byte[2048]).ToArray();
            for (var i = 0; i < 20_000; i++)
            {
                writer.Append(GgufWriter.Entry(Encoding.ASCII.GetBytes($"x{i}"), 9, list));
            }
        }));
    }

    private static IEnumerable<(string Name, string Code, Func<byte[]> Bytes)> Networks()
    {
        (string, string, Func<byte[]>) Case(string name, string code, string key, object? value) =>
            (name, code, () => With(writer => _ = value is null ? writer.Remove(key) : writer.Set(key, value)));

        yield return Case("no architecture", GgufCodes.Architecture, "general.architecture", null);
        yield return Case("an unknown architecture", GgufCodes.Architecture, "general.architecture", "llama99");
        yield return Case("an image projector", GgufCodes.Architecture, "general.architecture", "clip");
        yield return Case("an architecture as a number", GgufCodes.Type, "general.architecture", 1u);
        yield return Case("a name as a number", GgufCodes.Type, "general.name", 1u);
        yield return Case("an adapter", GgufCodes.Kind, "general.type", "adapter");
        yield return Case("one part of three", GgufCodes.Split, "split.count", (ushort)3);
        yield return Case("parts counted in 32 bits", GgufCodes.Type, "split.count", 3u);
        yield return Case("no layer count", GgufCodes.Shape, "llama.block_count", null);
        yield return Case("0 layers", GgufCodes.Shape, "llama.block_count", 0u);
        yield return Case("513 layers", GgufCodes.Shape, "llama.block_count", 513u);
        yield return Case("2^32-1 layers", GgufCodes.Shape, "llama.block_count", uint.MaxValue);
        yield return Case("the layer count as text", GgufCodes.Type, "llama.block_count", "one");
        yield return Case("the layer count as a list", GgufCodes.Type, "llama.block_count", Enumerable.Repeat(1u, 1).ToArray());
        yield return Case("a negative layer count", GgufCodes.Type, "llama.block_count", -1);
        yield return Case("no context length", GgufCodes.Shape, "llama.context_length", null);
        yield return Case("a context of 2^31", GgufCodes.Shape, "llama.context_length", 1u << 31);
        yield return Case("an embedding of 0", GgufCodes.Shape, "llama.embedding_length", 0u);
        yield return Case("an embedding of 2^32-1", GgufCodes.Shape, "llama.embedding_length", uint.MaxValue);
        yield return Case("another embedding than the tensors have", GgufCodes.Shape, "llama.embedding_length", 64u);
        yield return Case("3 heads for an embedding of 32", GgufCodes.Shape, "llama.attention.head_count", 3u);
        yield return Case("2^32-1 heads", GgufCodes.Shape, "llama.attention.head_count", uint.MaxValue);
        yield return Case("heads as text", GgufCodes.Type, "llama.attention.head_count", "two");
        yield return Case("more key-value heads than heads", GgufCodes.Shape, "llama.attention.head_count_kv", 4u);
        yield return Case("heads for more layers than there are", GgufCodes.Shape, "llama.attention.head_count", Enumerable.Repeat(2u, 2).ToArray());
        yield return Case("negative heads", GgufCodes.Shape, "llama.attention.head_count", Enumerable.Repeat(-2, 1).ToArray());
        yield return Case("100,000 experts", GgufCodes.Shape, "llama.expert_count", 100_000u);
        yield return Case("experts of which none is used", GgufCodes.Shape, "llama.expert_count", 8u);
        yield return Case("used experts of none", GgufCodes.Shape, "llama.expert_used_count", 2u);
        yield return Case("groups of no experts", GgufCodes.Shape, "llama.expert_group_count", 2u);
        yield return Case("predicted layers beyond the model", GgufCodes.Shape, "llama.nextn_predict_layers", 2u);
        yield return Case("a negative epsilon", GgufCodes.Shape, "llama.attention.layer_norm_rms_epsilon", -1e-5f);
        yield return Case("an epsilon that is no number", GgufCodes.Shape, "llama.attention.layer_norm_rms_epsilon", float.NaN);
        yield return Case("an epsilon as text", GgufCodes.Type, "llama.attention.layer_norm_rms_epsilon", "small");
        yield return Case("an unknown rope scaling", GgufCodes.Shape, "llama.rope.scaling.type", "circular");
    }

    private static IEnumerable<(string Name, string Code, Func<byte[]> Bytes)> Vocabularies()
    {
        (string, string, Func<byte[]>) Case(string name, string key, object? value, string code = GgufCodes.Vocabulary) =>
            (name, code, () => With(writer => _ = value is null ? writer.Remove($"tokenizer.{key}") : writer.Set($"tokenizer.{key}", value)));

        string[] Tokens(params string[] first) => [.. first, .. Enumerable.Range(first.Length, Shape.Vocabulary - first.Length).Select(i => $"t{i}")];

        yield return Case("no tokenizer", "ggml.model", null);
        yield return Case("a tokenizer called none", "ggml.model", "none");
        yield return Case("an unknown tokenizer", "ggml.model", "morse");
        yield return Case("no tokens", "ggml.tokens", null);
        yield return Case("0 tokens", "ggml.tokens", Array.Empty<string>());
        yield return Case("tokens that are numbers", "ggml.tokens", new int[1024]);
        yield return Case("tokens that are one text", "ggml.tokens", "abc", GgufCodes.Type);
        yield return Case("fewer tokens than scores", "ggml.tokens", Tokens()[..1023]);
        yield return Case("the same token twice", "ggml.tokens", Tokens("same", "same"));
        yield return Case("tokens that differ after a zero byte", "ggml.tokens", Tokens("a\0b", "a\0c"));
        yield return Case("a token with the name of an empty one", "ggml.tokens", Tokens("", "[EMPTY_0]"));
        yield return Case("a token of 5,000 bytes", "ggml.tokens", Tokens(new string('x', 5000)), GgufCodes.Limit);
        yield return Case("scores in 64 bits", "ggml.scores", new double[1024]);
        yield return Case("too few scores", "ggml.scores", new float[1023]);
        yield return Case("scores that are one number", "ggml.scores", 1f, GgufCodes.Type);
        yield return Case("token types that are fractions", "ggml.token_type", new float[1024]);
        yield return Case("too many token types", "ggml.token_type", new int[1025]);
        yield return Case("a byte without a token", "ggml.tokens", Tokens());
        yield return Case("letters that claim to be bytes", "ggml.token_type", Enumerable.Repeat(6, 1024).ToArray());
        yield return Case("merges that are numbers", "ggml.merges", new int[4]);
        yield return Case("a beginning outside the vocabulary", "ggml.bos_token_id", 999_999u);
        yield return Case("an end one past the vocabulary", "ggml.eos_token_id", 1024u);
        yield return Case("an end as text", "ggml.eos_token_id", "</s>", GgufCodes.Type);
        yield return Case("a template as a number", "chat_template", 1u, GgufCodes.Type);
        yield return ("2,000,000 tokens", GgufCodes.Limit, () => With(writer =>
            writer.Raw("tokenizer.ggml.tokens", 9, [.. ArrayHead(8, 2_000_000), .. new byte[16_000_000]])));
        yield return ("a list of texts that are 17 MiB together", GgufCodes.Limit, () => With(writer =>
            writer.Set("tokenizer.ggml.merges", Enumerable.Repeat(new string('x', 1 << 20), 17).ToArray())));
        yield return ("tokens that are 17 MiB together", GgufCodes.Limit, () => With(writer =>
            writer.Set("tokenizer.ggml.tokens", Enumerable.Range(0, 17 * 256).Select(i => $"{i:x8}".PadRight(4096, 'x')).ToArray())));
        yield return ("a vocabulary for another table of embeddings", GgufCodes.Vocabulary, () => With(writer =>
            writer.Change(0, tensor =>
                tensor with { Dimensions = [32, 512], Bytes = tensor.Bytes / 2, Data = stream => stream.Write(new byte[tensor.Bytes / 2]) })));
    }

    private static IEnumerable<(string Name, string Code, Func<byte[]> Bytes)> Tensors()
    {
        (string, string, Func<byte[]>) Case(string name, string code, Func<GgufWriter.Tensor, GgufWriter.Tensor> change, int index = 1) =>
            (name, code, () => With(writer => writer.Change(index, change)));

        yield return Case("a tensor without a name", GgufCodes.Tensor, tensor => tensor with { Name = "" });
        yield return Case("a tensor with a name of 64 bytes", GgufCodes.Limit, tensor => tensor with { Name = new string('x', 64) });
        yield return Case("a tensor with a zero byte in its name", GgufCodes.Tensor, tensor => tensor with { Name = "output\0norm" });
        yield return Case("two tensors of one name", GgufCodes.Tensor, tensor => tensor with { Name = "token_embd.weight" });
        yield return Case("a tensor without dimensions", GgufCodes.Tensor, tensor => tensor with { Dimensions = [] });
        yield return Case("a tensor of five dimensions", GgufCodes.Tensor, tensor => tensor with { Dimensions = [32, 1, 1, 1, 1] });
        yield return Case("a dimension of 0", GgufCodes.Tensor, tensor => tensor with { Dimensions = [32, 0] });
        yield return Case("a dimension of 2^63", GgufCodes.Tensor, tensor => tensor with { Dimensions = [1UL << 63] });
        yield return Case("dimensions whose product wraps to 0", GgufCodes.Tensor, tensor => tensor with { Dimensions = [1UL << 32, 1UL << 32] });
        yield return Case("dimensions whose product wraps to 32", GgufCodes.Tensor, tensor => tensor with { Dimensions = [(1UL << 59) + 1, 32] });
        yield return Case("2^62 elements of 4 bytes", GgufCodes.Extent, tensor => tensor with { Dimensions = [1UL << 62] });
        yield return Case("a retired tensor type", GgufCodes.Tensor, tensor => tensor with { Type = 4 });
        yield return Case("tensor type 43", GgufCodes.Tensor, tensor => tensor with { Type = 43 });
        yield return Case("tensor type 2^32-1", GgufCodes.Tensor, tensor => tensor with { Type = uint.MaxValue });
        yield return Case("a row that is no whole block", GgufCodes.Tensor, tensor => tensor with { Type = 8, Dimensions = [31] });
        yield return Case("an offset of 2^63", GgufCodes.Extent, tensor => tensor with { ClaimedOffset = 1UL << 63 });
        yield return Case("an offset of 2^64-32", GgufCodes.Extent, tensor => tensor with { ClaimedOffset = ulong.MaxValue - 31 });
        yield return Case("an offset of 2^63-32", GgufCodes.Extent, tensor => tensor with { ClaimedOffset = (1UL << 63) - 32 });
        yield return Case("an offset that is not aligned", GgufCodes.Alignment, tensor => tensor with { ClaimedOffset = 8 });
        yield return Case("a tensor over the one before it", GgufCodes.Overlap, tensor => tensor with { ClaimedOffset = 0 });
        yield return Case("a tensor larger than its place", GgufCodes.Overlap, tensor => tensor with { Dimensions = [64] });
        yield return Case("a hole before a tensor", GgufCodes.Gap, tensor => tensor with { ClaimedOffset = 34_816 + 32 });
        yield return Case("a last tensor that is one block too long", GgufCodes.Extent,
            tensor => tensor with { Dimensions = [32, 33] }, index: 11);
    }

    private static byte[] With(Action<GgufWriter> change)
    {
        var writer = Valid();
        change(writer);
        return writer.ToArray();
    }

    private static byte[] Entry(byte[] key, uint type, byte[] value) => With(writer => writer.Append(GgufWriter.Entry(key, type, value)));

    private static byte[] Number(ulong value) => BitConverter.GetBytes(value);

    private static byte[] ArrayHead(uint type, ulong count) => [.. BitConverter.GetBytes(type), .. BitConverter.GetBytes(count)];
}
