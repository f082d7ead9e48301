using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Inference.Workers;

/// <summary>Configuration section <c>Inference</c>, as far as workers read it.</summary>
public sealed class EngineOptions
{
    /// <summary>The folder with llama.cpp's libraries; null for the one that came with the product.</summary>
    public string? NativePath { get; set; }

    /// <summary>The worker's assembly; null for the one that came with the product.</summary>
    public string? EnginePath { get; set; }

    /// <summary>Context of one sequence; null lets the worker choose by the model and the memory it finds.</summary>
    public int? ContextTokens { get; set; }

    /// <summary>Threads that compute; null lets the worker choose.</summary>
    public int? Threads { get; set; }

    /// <summary>Sequences that are computed together; null lets the worker choose.</summary>
    public int? Slots { get; set; }

    /// <summary>How a KV cache is stored; null for halves.</summary>
    public KvCacheType? KvCacheType { get; set; }

    /// <summary>Bytes that all loaded models together may take; null for 85 % of what is available when the host starts.</summary>
    public long? MemoryBudget { get; set; }

    /// <summary>A probe that takes longer counts as failed.</summary>
    public TimeSpan ProbeTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>A model that is not ready by then counts as failed.</summary>
    public TimeSpan LoadTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>A worker with running requests that is silent for so long is ended.</summary>
    public TimeSpan StallTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A request that has waited so long for its place in the engine fails; null for no limit.</summary>
    public TimeSpan? QueueTimeout { get; set; }

    /// <summary>A request that has no token so long after it came to the engine fails; null for no limit.</summary>
    public TimeSpan? FirstTokenTimeout { get; set; }

    /// <summary>A request that is not done so long after it came to the engine fails; null for no limit.</summary>
    public TimeSpan? RequestTimeout { get; set; }

    /// <summary>How long an unload waits for running requests.</summary>
    public TimeSpan DrainTime { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>A worker that nobody used for so long is ended, so that its memory comes back; zero for at once, a negative time for never.</summary>
    public TimeSpan KeepAlive { get; set; } = TimeSpan.FromMinutes(15);
}
