using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Inference.Models;

/// <summary>Bytes that a loaded model takes of the machine.</summary>
/// <param name="ContextTokens">What one conversation may hold.</param>
/// <param name="KvCacheType">How the KV cache is stored.</param>
/// <param name="WeightsBytes">The tensors of its file.</param>
/// <param name="KvCacheBytes">Keys and values of the tokens it remembers.</param>
/// <param name="ComputeBytes">Buffers of a step, and the states of recurrent layers.</param>
/// <param name="ProcessBytes">What any worker takes.</param>
public sealed record MemoryEstimate(
    int ContextTokens, KvCacheType KvCacheType, long WeightsBytes, long KvCacheBytes, long ComputeBytes, long ProcessBytes)
{
    public long TotalBytes => WeightsBytes + KvCacheBytes + ComputeBytes + ProcessBytes;
}

/// <summary>
/// What a model needs of the machine's memory, worked out from its header before anything is loaded. It rather says too much:
/// the kernel ends a process that takes more than there is.
/// </summary>
internal sealed class ModelMemory
{
    public const int DefaultContextTokens = 8192;
    public const long Process = 72L << 20; // .NET, gRPC and llama.cpp's libraries, before a model is there

    private const int BatchTokens = 512;
    private const int ContextStep = 256; // llama.cpp rounds a context up to these
    private const int GuessedTokens = 18; // whose scores a step may ask for, beside one of each sequence
    private const int Sequences = 40; // unless a number of slots is set
    private const int Float = sizeof(float);
    private const int LargeVocabulary = 262144; // where it is not known

    private readonly long weights;
    private readonly long keys;
    private readonly long values;
    private readonly long state;
    private readonly long activations;
    private readonly long vocabulary;
    private readonly bool canQuantise;

    private ModelMemory(GgufFile file)
    {
        var (metadata, name) = (file.Metadata, file.Architecture);
        var layers = file.BlockCount;
        var heads = metadata.GetPerLayer($"{name}.attention.head_count", layers);
        var kvHeads = metadata.GetPerLayer($"{name}.attention.head_count_kv", layers) is { Count: > 0 } given ? given : heads;
        var width = file.EmbeddingLength / Math.Max(1, file.HeadCount);
        long keyLength = metadata.GetUInt32($"{name}.attention.key_length") ?? width;
        long valueLength = metadata.GetUInt32($"{name}.attention.value_length") ?? width;
        var allHeads = kvHeads.Count == 1 ? kvHeads[0] * layers : kvHeads.Sum();
        var recurrentLayers = kvHeads.Count > 1 ? kvHeads.Count(count => count == 0) : (int)layers;
        var feedForward = metadata.GetPerLayer($"{name}.feed_forward_length", layers).DefaultIfEmpty().Max();
        var experts = metadata.GetPerLayer($"{name}.expert_used_count", layers).DefaultIfEmpty().Max();
        var expert = experts * (metadata.GetUInt32($"{name}.expert_feed_forward_length") ?? (uint)feedForward);
        weights = file.WeightsBytes;
        keys = allHeads * keyLength;
        values = allHeads * valueLength;
        canQuantise = keyLength % KvCacheTypes.Block == 0 && valueLength % KvCacheTypes.Block == 0;
        state = StateOf(metadata, name, file.EmbeddingLength) * recurrentLayers;
        activations = (4L * file.EmbeddingLength) + (4 * Math.Max(feedForward, expert)) + (2 * file.HeadCount * Math.Max(keyLength, valueLength));
        vocabulary = file.TokenCount;
        TrainedTokens = (int)file.ContextLength;
    }

    private ModelMemory(long weights, ModelShape shape)
    {
        var width = shape.EmbeddingLength / Math.Max(1, shape.Heads);
        long keyLength = shape.KeyLength ?? width;
        long valueLength = shape.ValueLength ?? width;
        var allHeads = (shape.KvHeads ?? shape.Heads) * (long)shape.Layers;
        this.weights = weights;
        keys = allHeads * keyLength;
        values = allHeads * valueLength;
        canQuantise = keyLength % KvCacheTypes.Block == 0 && valueLength % KvCacheTypes.Block == 0;
        activations = (4L * shape.EmbeddingLength) + (4L * (shape.FeedForwardLength ?? 4 * shape.EmbeddingLength)) + (2 * shape.Heads * Math.Max(keyLength, valueLength));
        vocabulary = shape.VocabularyTokens ?? LargeVocabulary;
        TrainedTokens = shape.ContextTokens ?? DefaultContextTokens;
    }

    public int TrainedTokens { get; }

    public static ModelMemory Of(GgufFile file) => new(file);

    /// <summary>Of a file that is not here yet.</summary>
    public static ModelMemory Of(long weightsBytes, ModelShape shape) => new(weightsBytes, shape);

    /// <summary>The context that a sequence gets where nobody says which.</summary>
    public int ContextTokens(int? wanted) => Math.Min(TrainedTokens, wanted ?? DefaultContextTokens);

    /// <summary>False where a head cannot be cut into the blocks of a quantised type.</summary>
    public bool Supports(KvCacheType type) => type == KvCacheType.F16 || canQuantise;

    /// <summary>Keys and values of one token over all layers.</summary>
    public long KvBytesPerToken(KvCacheType type) => type.Bytes(keys) + type.Bytes(values);

    /// <summary>Keys and values of a whole context.</summary>
    public long KvBytes(int contextTokens, KvCacheType type) => KvBytesPerToken(type) * Padded(contextTokens);

    /// <param name="contextTokens">Of one sequence.</param>
    /// <param name="type">Of the KV cache.</param>
    /// <param name="kvBytes">What all sequences may keep together; null for one full context.</param>
    /// <param name="slots">Sequences, where that is set.</param>
    public MemoryEstimate Estimate(int contextTokens, KvCacheType type, long? kvBytes = null, int? slots = null)
    {
        var kv = kvBytes ?? KvBytes(contextTokens, type);
        // A step looks at the cells of one sequence where each has its own part, else at all.
        var seen = Math.Max(Padded(contextTokens), Math.Min(kv / Math.Max(1, KvBytesPerToken(type)), 8L * Padded(contextTokens)));
        var batch = Math.Min(BatchTokens, Padded(contextTokens));
        var mask = batch * seen * sizeof(ushort);
        var sequences = slots ?? Sequences;
        var compute = (batch * activations * Float) + mask + ((sequences + GuessedTokens) * vocabulary * Float) + (sequences * state);
        return new MemoryEstimate(contextTokens, type, weights, kv, compute, Process);
    }

    private static long Padded(int tokens) => (tokens + ContextStep - 1L) / ContextStep * ContextStep;

    /// <summary>Of one layer and one sequence; zero where layers attend.</summary>
    private static long StateOf(GgufMetadata metadata, string name, long embedding)
    {
        if (metadata.GetUInt32($"{name}.wkv.head_size") is { } head)
        {
            return embedding * (head + 2L) * Float;
        }

        long inner = metadata.GetUInt32($"{name}.ssm.inner_size") ?? 0;
        long size = metadata.GetUInt32($"{name}.ssm.state_size") ?? 0;
        long groups = metadata.GetUInt32($"{name}.ssm.group_count") ?? 0;
        var convolution = Math.Max(0, (metadata.GetUInt32($"{name}.ssm.conv_kernel") ?? 0) - 1L);
        return ((convolution * (inner + (2 * groups * size))) + (size * inner)) * Float;
    }
}
