using System.Runtime.InteropServices;

namespace LlmPlatform.ModuleTests.Support;

/// <summary>How a weight is stored; the numbers are ggml's.</summary>
public enum TensorType : uint
{
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q8_0 = 8,
}

/// <summary>The measures of a random model. The vocabulary is filled up with words nobody writes.</summary>
public sealed record TinyShape(
    int Layers, int Embedding, int FeedForward, int Heads, int KvHeads, int Context, int Vocabulary, TensorType TensorType)
{
    /// <summary>Half a megabyte, thousands of tokens a second: enough to see everything but sense.</summary>
    public static TinyShape Tiny { get; } = new(2, 64, 192, 4, 2, 512, 768, TensorType.F32);

    /// <summary>56 million weights, so that a step costs what it costs a real (small) model.</summary>
    public static TinyShape Medium { get; } = new(8, 512, 1408, 8, 4, 4096, 32_000, TensorType.Q8_0);
}

/// <summary>
/// A llama with random weights: it loads, tokenises any text and runs at the speed of a trained model of its shape, and what it
/// says is noise that depends on the prompt. It never ends a reply by itself under greedy decoding, so lengths are predictable.
/// </summary>
public static class TinyModel
{
    private const int Unknown = 0, Begin = 1, End = 2;

    private static readonly Lazy<string> Shared = new(() =>
    {
        var path = System.IO.Path.Combine(Directory.CreateTempSubdirectory("llmplatform-model-").FullName, "tiny.gguf");
        using (var stream = File.Create(path))
        {
            Write(stream, TinyShape.Tiny, seed: 1, ChatTemplate);
        }

        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(System.IO.Path.GetDirectoryName(path)!, recursive: true);
        return path;
    });

    /// <summary>The template of the ChatML family, whose two markers are tokens of the vocabulary.</summary>
    public const string ChatTemplate =
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    /// <summary>A file of <see cref="TinyShape.Tiny"/> with <see cref="ChatTemplate"/>, written once per run.</summary>
    public static string Path => Shared.Value;

    public static void Write(Stream stream, TinyShape shape, int seed, string? chatTemplate = null) =>
        Compose(shape, seed, chatTemplate).Write(stream);

    /// <summary>The same file as <see cref="Write"/> gives, still open to changes.</summary>
    public static GgufWriter Compose(TinyShape shape, int seed, string? chatTemplate = null)
    {
        var vocabulary = new TinyVocabulary(shape.Vocabulary);
        var head = shape.Embedding / shape.Heads;
        var writer = new GgufWriter()
            .Set("general.architecture", "llama")
            .Set("general.type", "model")
            .Set("general.name", "random llama")
            .Set("general.license", "mit")
            .Set("general.alignment", 32u)
            .Set("general.file_type", FileType(shape.TensorType))
            .Set("llama.vocab_size", (uint)shape.Vocabulary)
            .Set("llama.context_length", (uint)shape.Context)
            .Set("llama.embedding_length", (uint)shape.Embedding)
            .Set("llama.block_count", (uint)shape.Layers)
            .Set("llama.feed_forward_length", (uint)shape.FeedForward)
            .Set("llama.attention.head_count", (uint)shape.Heads)
            .Set("llama.attention.head_count_kv", (uint)shape.KvHeads)
            .Set("llama.attention.layer_norm_rms_epsilon", 1e-5f)
            .Set("llama.rope.dimension_count", (uint)head)
            .Set("tokenizer.ggml.model", "llama")
            .Set("tokenizer.ggml.tokens", vocabulary.Tokens)
            .Set("tokenizer.ggml.scores", vocabulary.Scores)
            .Set("tokenizer.ggml.token_type", vocabulary.Types)
            .Set("tokenizer.ggml.unknown_token_id", (uint)Unknown)
            .Set("tokenizer.ggml.bos_token_id", (uint)Begin)
            .Set("tokenizer.ggml.eos_token_id", (uint)End)
            .Set("tokenizer.ggml.add_bos_token", true)
            .Set("tokenizer.ggml.add_eos_token", false)
            // Text then survives tokenising to the letter, also behind a marker.
            .Set("tokenizer.ggml.add_space_prefix", false);
        if (chatTemplate is not null)
        {
            writer.Set("tokenizer.chat_template", chatTemplate);
        }

        var random = new Random(seed);
        GgufWriter.Tensor Matrix(string name, int columns, int rows, int[]? silentRows = null) =>
            Weights(name, shape.TensorType, columns, rows, random.Next(), silentRows ?? []);

        writer.Add(Matrix("token_embd.weight", shape.Embedding, shape.Vocabulary))
            .Add(Ones("output_norm.weight", shape.Embedding))
            .Add(Matrix("output.weight", shape.Embedding, shape.Vocabulary, vocabulary.Control));
        for (var i = 0; i < shape.Layers; i++)
        {
            writer.Add(Ones($"blk.{i}.attn_norm.weight", shape.Embedding))
                .Add(Ones($"blk.{i}.ffn_norm.weight", shape.Embedding))
                .Add(Matrix($"blk.{i}.attn_q.weight", shape.Embedding, shape.Embedding))
                .Add(Matrix($"blk.{i}.attn_k.weight", shape.Embedding, head * shape.KvHeads))
                .Add(Matrix($"blk.{i}.attn_v.weight", shape.Embedding, head * shape.KvHeads))
                .Add(Matrix($"blk.{i}.attn_output.weight", shape.Embedding, shape.Embedding))
                .Add(Matrix($"blk.{i}.ffn_gate.weight", shape.Embedding, shape.FeedForward))
                .Add(Matrix($"blk.{i}.ffn_up.weight", shape.Embedding, shape.FeedForward))
                .Add(Matrix($"blk.{i}.ffn_down.weight", shape.FeedForward, shape.Embedding));
        }

        return writer;
    }

    private static uint FileType(TensorType type) => type switch
    {
        TensorType.F16 => 1,
        TensorType.Q4_0 => 2,
        TensorType.Q8_0 => 7,
        _ => 0,
    };

    internal static GgufWriter.Tensor Ones(string name, int length)
    {
        var ones = new float[length];
        Array.Fill(ones, 1f);
        return new(name, (uint)TensorType.F32, [(ulong)length], length * 4L, stream => stream.Write(MemoryMarshal.AsBytes<float>(ones)));
    }

    /// <summary>A vector.</summary>
    internal static GgufWriter.Tensor Weights(string name, TensorType type, int columns, int seed) =>
        Weights(name, type, columns, 1, seed, []) with { Dimensions = [(ulong)columns] };

    internal static GgufWriter.Tensor Weights(string name, TensorType type, int columns, int rows, int seed, int[] silentRows)
    {
        var rowBytes = type switch
        {
            TensorType.F32 => columns * 4,
            TensorType.F16 => columns * 2,
            TensorType.Q4_0 => columns / 32 * 18,
            _ => columns / 32 * 34,
        };
        return new(name, (uint)type, [(ulong)columns, (ulong)rows], (long)rowBytes * rows, stream =>
        {
            var random = new Random(seed);
            var row = new byte[rowBytes];
            for (var i = 0; i < rows; i++)
            {
                FillRow(row, type, columns, random);
                if (silentRows.Contains(i))
                {
                    Array.Clear(row);
                }

                stream.Write(row);
            }
        });
    }

    /// <summary>Weights spread so that the sum over a row keeps the size of its input: logits differ, and nothing overflows.</summary>
    private static void FillRow(byte[] row, TensorType type, int columns, Random random)
    {
        var spread = 1 / Math.Sqrt(columns);
        var (block, deviation) = type == TensorType.Q8_0 ? (34, 73.9) : (18, 4.61); // of uniform bytes and nibbles
        switch (type)
        {
            case TensorType.F32:
                foreach (ref var value in MemoryMarshal.Cast<byte, float>(row.AsSpan()))
                {
                    value = (float)((random.NextDouble() - 0.5) * Math.Sqrt(12) * spread);
                }

                break;
            case TensorType.F16:
                foreach (ref var value in MemoryMarshal.Cast<byte, Half>(row.AsSpan()))
                {
                    value = (Half)((random.NextDouble() - 0.5) * Math.Sqrt(12) * spread);
                }

                break;
            default:
                random.NextBytes(row);
                for (var start = 0; start < row.Length; start += block)
                {
                    BitConverter.TryWriteBytes(row.AsSpan(start), (Half)(spread / deviation));
                }

                break;
        }
    }
}
