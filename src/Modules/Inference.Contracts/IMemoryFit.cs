namespace LlmPlatform.Inference.Contracts;

/// <summary>Says what a model would take of this machine, installed or not.</summary>
public interface IMemoryFit
{
    /// <summary>What this machine has, now.</summary>
    MachineMemory Machine();

    /// <summary>What a file of such a size and shape takes; only the file counts where the shape is not known.</summary>
    /// <param name="weightsBytes">Size of the file.</param>
    /// <param name="shape">What its header says; null where that is not known.</param>
    /// <param name="contextTokens">What one conversation is to hold; null for the platform's choice.</param>
    MemoryNeed Need(long weightsBytes, ModelShape? shape, int? contextTokens);
}

/// <summary>Memory of this machine, in bytes.</summary>
/// <param name="TotalBytes">What there is, a container's limit included.</param>
/// <param name="AvailableBytes">What could be taken now without pushing anything out.</param>
/// <param name="BudgetBytes">What all loaded models together may take.</param>
/// <param name="RoomBytes">What one more model may take now, beside those that are loaded.</param>
/// <param name="Gpus">Graphics processors that the engine can use, as they were when the host started.</param>
public sealed record MachineMemory(long TotalBytes, long AvailableBytes, long BudgetBytes, long RoomBytes, IReadOnlyList<GpuMemory> Gpus);

/// <summary>Memory of one graphics processor, in bytes.</summary>
public sealed record GpuMemory(string Name, long TotalBytes, long FreeBytes);

/// <summary>The numbers of a model's header that decide how much memory it takes. What is not known is null.</summary>
/// <param name="Layers">Blocks.</param>
/// <param name="EmbeddingLength">Width of a token's vector.</param>
/// <param name="Heads">Attention heads of a layer.</param>
/// <param name="KvHeads">Heads that have keys and values of their own.</param>
/// <param name="KeyLength">Numbers in the key of one head.</param>
/// <param name="ValueLength">Numbers in the value of one head.</param>
/// <param name="FeedForwardLength">Width of the inner layer, or of the experts that a token uses, together.</param>
/// <param name="VocabularyTokens">Different tokens.</param>
/// <param name="ContextTokens">The context it was trained for.</param>
public sealed record ModelShape(
    int Layers, int EmbeddingLength, int Heads, int? KvHeads, int? KeyLength, int? ValueLength, int? FeedForwardLength, int? VocabularyTokens, int? ContextTokens);

/// <summary>What a model would take, in bytes.</summary>
/// <param name="ContextTokens">What one conversation may hold then; null where the shape is not known.</param>
/// <param name="WeightsBytes">Its file.</param>
/// <param name="KvCacheBytes">Keys and values of one context; null where the shape is not known.</param>
/// <param name="TotalBytes">All of it, as far as it is known.</param>
/// <param name="IsComplete">False where the shape is not known: then it takes more than this.</param>
public sealed record MemoryNeed(int? ContextTokens, long WeightsBytes, long? KvCacheBytes, long TotalBytes, bool IsComplete);
