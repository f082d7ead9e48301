using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Models;

namespace LlmPlatform.Inference.Presets;

/// <summary>A model of its own that another one answers for: with a system prompt, settings and limits that fill what a request leaves open.</summary>
public sealed record Preset
{
    /// <summary>The name that requests give.</summary>
    public required string Id { get; init; }

    /// <summary>The installed model that answers.</summary>
    public required string Base { get; init; }

    public string? Description { get; init; }

    /// <summary>Stands before conversations that have none of their own.</summary>
    public string? SystemPrompt { get; init; }

    public PresetSampling Sampling { get; init; } = new();

    /// <summary>Prompt and completion together at most; null for what the model holds.</summary>
    public int? ContextTokens { get; init; }

    /// <summary>Completion tokens at most, where a request sets no limit.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>Where a request names none.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>How long the model stays loaded after a request for this preset: 0 not at all, -1 for ever, null as the model's settings say.</summary>
    public int? KeepAliveMinutes { get; init; }

    internal TimeSpan? KeepAlive => ModelSettings.KeepAliveOf(KeepAliveMinutes);

    public ModelRights Rights { get; init; } = ModelRights.ForEveryone;

    /// <summary>Goes up with each change, so that two people who edit at once do not undo each other.</summary>
    public required int Version { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ChangedAt { get; init; }
}

/// <summary>How tokens are chosen where a request does not say; ranges as in <see cref="SamplingOptions"/>.</summary>
public sealed record PresetSampling(
    float? Temperature = null,
    float? TopP = null,
    int? TopK = null,
    float? MinP = null,
    float? TypicalP = null,
    float? RepeatPenalty = null,
    int? RepeatLastN = null,
    float? PresencePenalty = null,
    float? FrequencyPenalty = null,
    long? Seed = null);

internal static class PresetDefaults
{
    /// <summary>A request's own values count; a preset fills the others.</summary>
    public static SamplingOptions Or(this SamplingOptions own, PresetSampling? preset) => preset is null ? own : own with
    {
        Temperature = own.Temperature ?? preset.Temperature,
        TopP = own.TopP ?? preset.TopP,
        TopK = own.TopK ?? preset.TopK,
        MinP = own.MinP ?? preset.MinP,
        TypicalP = own.TypicalP ?? preset.TypicalP,
        RepeatPenalty = own.RepeatPenalty ?? preset.RepeatPenalty,
        RepeatLastN = own.RepeatLastN ?? preset.RepeatLastN,
        PresencePenalty = own.PresencePenalty ?? preset.PresencePenalty,
        FrequencyPenalty = own.FrequencyPenalty ?? preset.FrequencyPenalty,
        Seed = own.Seed ?? preset.Seed,
    };

    /// <summary>A conversation that has a system prompt keeps it: two would contradict each other, and the request knows best.</summary>
    public static IReadOnlyList<ChatMessage> With(this IReadOnlyList<ChatMessage> messages, Preset? preset) =>
        preset?.SystemPrompt is { Length: > 0 } prompt && !messages.Any(m => m.Role == "system") ? [new ChatMessage("system", prompt), .. messages] : messages;
}
