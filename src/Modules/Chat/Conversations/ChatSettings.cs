using System.Text.Json.Serialization;
using FluentValidation;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Chat.Conversations;

/// <summary>What becomes of a conversation that is longer than its model's context. Either way the answer says how many tokens were read and how many messages were not.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ContextPolicy>))]
public enum ContextPolicy
{
    /// <summary>The oldest turns are left out of the prompt; the system prompt and the last turn stay.</summary>
    [JsonStringEnumMemberName("dropOldest")]
    DropOldest,

    /// <summary>The model is not asked, and the reply fails with <c>context_length_exceeded</c>.</summary>
    [JsonStringEnumMemberName("refuse")]
    Refuse,
}

/// <summary>How a conversation's model is asked. What is null is a preset's choice or the model's.</summary>
public sealed record ChatSettings
{
    public float? Temperature { get; init; }

    public float? TopP { get; init; }

    public int? TopK { get; init; }

    public float? MinP { get; init; }

    public float? RepeatPenalty { get; init; }

    public float? PresencePenalty { get; init; }

    public float? FrequencyPenalty { get; init; }

    /// <summary>Completion tokens at most.</summary>
    public int? MaxTokens { get; init; }

    public long? Seed { get; init; }

    public IReadOnlyList<string>? Stop { get; init; }

    public string? ReasoningEffort { get; init; }

    public ContextPolicy Context { get; init; }

    /// <summary>The tool servers whose functions the model may ask for, as far as its user has consented.</summary>
    public IReadOnlyList<string> ToolServers { get; init; } = [];

    internal SamplingOptions ToSampling() => new()
    {
        Temperature = Temperature,
        TopP = TopP,
        TopK = TopK,
        MinP = MinP,
        RepeatPenalty = RepeatPenalty,
        PresencePenalty = PresencePenalty,
        FrequencyPenalty = FrequencyPenalty,
        Seed = Seed,
    };
}

internal sealed class ChatSettingsValidator : AbstractValidator<ChatSettings>
{
    private const int MostStops = 16;
    private const int MostServers = 16;
    private static readonly string[] Efforts = ["none", "minimal", "low", "medium", "high"];

    public ChatSettingsValidator()
    {
        RuleFor(s => s.Temperature).InclusiveBetween(0, 2);
        RuleFor(s => s.TopP).InclusiveBetween(float.Epsilon, 1);
        RuleFor(s => s.TopK).GreaterThanOrEqualTo(0);
        RuleFor(s => s.MinP).InclusiveBetween(0, 1);
        RuleFor(s => s.RepeatPenalty).InclusiveBetween(0.01f, 10);
        RuleFor(s => s.PresencePenalty).InclusiveBetween(-2, 2);
        RuleFor(s => s.FrequencyPenalty).InclusiveBetween(-2, 2);
        RuleFor(s => s.MaxTokens).GreaterThan(0);
        RuleFor(s => s.Seed).GreaterThanOrEqualTo(0);
        RuleFor(s => s.Stop).Must(stop => stop is null || (stop.Count <= MostStops && stop.All(s => s is { Length: > 0 and <= 1000 } && Validating.IsText(s))))
            .WithMessage($"stop holds at most {MostStops} texts of 1 to 1000 characters.");
        RuleFor(s => s.ReasoningEffort).Must(effort => effort is null || Efforts.Contains(effort)).WithMessage($"reasoningEffort is one of: {string.Join(", ", Efforts)}.");
        RuleFor(s => s.ToolServers).Must(servers => servers.Count <= MostServers && servers.All(s => Validating.IsName(s, 64)))
            .WithMessage($"toolServers holds at most {MostServers} names.");
    }
}
