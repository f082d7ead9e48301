using System.Text.Json;
using System.Text.Json.Serialization;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Inference.OpenAi;

/// <summary>The shapes of OpenAI's answers, field for field as its SDKs read them.</summary>
internal sealed record ModelList(IReadOnlyList<ModelEntry> Data)
{
    public string Object { get; } = "list";
}

internal sealed record ModelEntry(string Id, long Created)
{
    public string Object { get; } = "model";

    public string OwnedBy { get; } = "llmplatform";
}

internal sealed record PromptTokensDetails(int CachedTokens);

internal sealed record UsageEntry(int PromptTokens, int CompletionTokens, int TotalTokens, PromptTokensDetails PromptTokensDetails)
{
    /// <summary>Only for those who ask for it.</summary>
    public TimingsEntry? Timings { get; init; }

    public static UsageEntry Of(TokenUsage usage, GenerationTimings? timings) =>
        new(usage.PromptTokens, usage.CompletionTokens, usage.PromptTokens + usage.CompletionTokens, new PromptTokensDetails(usage.CachedTokens))
        {
            Timings = timings is null ? null : TimingsEntry.Of(timings),
        };
}

/// <summary>Our own addition: where the time went in the engine, in milliseconds; of the first choice, where there are several.</summary>
internal sealed record TimingsEntry(double QueueMs, double PrefillMs, double DecodeMs, int DraftedTokens, int AcceptedTokens)
{
    public static TimingsEntry Of(GenerationTimings timings) => new(
        timings.Queue.TotalMilliseconds, timings.Prefill.TotalMilliseconds, timings.Decode.TotalMilliseconds, timings.DraftedTokens, timings.AcceptedTokens);
}

internal sealed record ChatReply(string Role, string Content)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Refusal { get; init; }
}

internal sealed record ChatDelta(string? Role, string? Content);

/// <summary>Log probabilities in the shape of the one API or of the other.</summary>
[JsonDerivedType(typeof(ChatLogprobs))]
[JsonDerivedType(typeof(CompletionLogprobs))]
internal abstract record ChoiceLogprobs;

internal sealed record ChatLogprobs(IReadOnlyList<ChatLogprob> Content) : ChoiceLogprobs
{
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public IReadOnlyList<ChatLogprob>? Refusal { get; init; }
}

internal sealed record ChatLogprob(string Token, float Logprob, IReadOnlyList<int> Bytes, IReadOnlyList<ChatLogprob>? TopLogprobs);

internal sealed record CompletionLogprobs(
    IReadOnlyList<string> Tokens,
    IReadOnlyList<float> TokenLogprobs,
    IReadOnlyList<IReadOnlyDictionary<string, float>> TopLogprobs,
    IReadOnlyList<int> TextOffset) : ChoiceLogprobs;

/// <summary>One choice of any of the four answers: a chat reply or its delta, or the text of a completion.</summary>
internal sealed record Choice(int Index)
{
    public ChatReply? Message { get; init; }

    public ChatDelta? Delta { get; init; }

    public string? Text { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ChoiceLogprobs? Logprobs { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? FinishReason { get; init; }
}

internal sealed record Answer(string Id, string Object, long Created, string Model, IReadOnlyList<Choice> Choices)
{
    public string SystemFingerprint { get; } = "llmplatform";

    public UsageEntry? Usage { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Answer))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(ModelEntry))]
internal sealed partial class AnswerJson : JsonSerializerContext
{
    /// <summary>Escapes only what JSON must: clients read UTF-8, and "á" is no longer there than here.</summary>
    public static readonly AnswerJson Plain = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
