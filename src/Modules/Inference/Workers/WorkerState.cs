using System.Text.Json.Serialization;

namespace LlmPlatform.Inference.Workers;

/// <summary>What a model's worker is doing.</summary>
public enum WorkerPhase
{
    /// <summary>There is none; the next request starts one.</summary>
    [JsonStringEnumMemberName("installed")]
    Idle,

    /// <summary>It reads the model.</summary>
    Loading,

    /// <summary>It serves.</summary>
    Ready,

    /// <summary>It takes no more requests and ends after those that run.</summary>
    Draining,

    /// <summary>The last one failed; see <see cref="WorkerState.Code"/>.</summary>
    Failed,

    /// <summary>It rests after failures or has lost its file, and takes no requests.</summary>
    Quarantined,
}

/// <summary>The state of a model's worker at one moment: how far it has loaded (0 to 1), how many requests it serves, and what went wrong with the last one.</summary>
public sealed record WorkerState(WorkerPhase Phase, float Progress = 0, int Running = 0, LoadedModel? Model = null, string? Code = null, string? Message = null);

/// <summary>What the worker says about the model it loaded.</summary>
public sealed record LoadedModel(
    string LlamaVersion,
    string Architecture,
    string Description,
    long Parameters,
    long WeightsBytes,
    int ContextTokens,
    int TrainedContextTokens,
    int VocabularyTokens,
    int Threads,
    bool GeneratesText,
    int EmbeddingDimensions)
{
    /// <summary>How the worker speaks with its model; null until it has tried that out.</summary>
    public LoadedTemplate? ChatTemplate { get; init; }
}

/// <summary>How the worker speaks with its model.</summary>
/// <param name="IsOwn">Whether by the model's own chat template; otherwise a plain one stands in.</param>
/// <param name="Problem">Why the model's own one is not used, where it has one.</param>
/// <param name="Format">The form of its replies, such as <c>hermes</c>.</param>
/// <param name="System">Whether it shows a system prompt as one.</param>
/// <param name="Tools">Whether it shows tools to the model.</param>
/// <param name="Reasoning">Whether the model thinks before it answers.</param>
/// <param name="ThinkingSwitch">Whether thinking can be turned off.</param>
public sealed record LoadedTemplate(bool IsOwn, string? Problem, string Format, bool System, bool Tools, bool Reasoning, bool ThinkingSwitch);
