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

internal sealed record CompletionTokensDetails(int ReasoningTokens);

internal sealed record UsageEntry(
    int PromptTokens, int CompletionTokens, int TotalTokens, PromptTokensDetails PromptTokensDetails, CompletionTokensDetails CompletionTokensDetails)
{
    /// <summary>Only for those who ask for it.</summary>
    public TimingsEntry? Timings { get; init; }

    public static UsageEntry Of(TokenUsage usage, GenerationTimings? timings) =>
        new(usage.PromptTokens, usage.CompletionTokens, usage.PromptTokens + usage.CompletionTokens, new(usage.CachedTokens), new(usage.ReasoningTokens))
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

internal sealed record ChatReply(string Role)
{
    /// <summary>Null beside calls, where the model said nothing else.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Content { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Refusal { get; init; }

    public string? ReasoningContent { get; init; }

    public IReadOnlyList<ChatToolCall>? ToolCalls { get; init; }

    public static ChatReply Of(WholeReply reply) => new("assistant")
    {
        Content = reply.Text.Length == 0 && reply.ToolCalls.Count > 0 ? null : reply.Text,
        ReasoningContent = reply.Reasoning.Length > 0 ? reply.Reasoning : null,
        ToolCalls = reply.ToolCalls.Count > 0
            ? [.. reply.ToolCalls.Select(call => new ChatToolCall(null, call.Id, "function", new(call.Name, call.Arguments)))]
            : null,
    };
}

internal sealed record ChatDelta
{
    public string? Role { get; init; }

    public string? Content { get; init; }

    public string? ReasoningContent { get; init; }

    public IReadOnlyList<ChatToolCall>? ToolCalls { get; init; }
}

/// <summary>A call, or in a stream a piece of one, which alone has an index.</summary>
internal sealed record ChatToolCall(int? Index, string? Id, string? Type, ChatFunction Function);

internal sealed record ChatFunction(string? Name, string Arguments);

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

    /// <summary>Our own addition: why something that looked like a call is text.</summary>
    public string? Diagnostic { get; init; }
}

internal sealed record Answer(string Id, string Object, long Created, string Model, IReadOnlyList<Choice> Choices)
{
    public string SystemFingerprint { get; } = "llmplatform";

    public UsageEntry? Usage { get; init; }

    /// <summary>Our own addition, where <c>truncation</c> is <c>auto</c>: how many of the oldest messages the context had no room for.</summary>
    public int? DroppedMessages { get; init; }
}

internal sealed record EmbeddingList(IReadOnlyList<EmbeddingEntry> Data, string Model, EmbeddingUsage Usage)
{
    public string Object { get; } = "list";
}

/// <param name="Index">Of the text.</param>
/// <param name="Embedding">Numbers, or all of them as one text.</param>
internal sealed record EmbeddingEntry(int Index, object Embedding)
{
    public string Object { get; } = "embedding";
}

internal sealed record EmbeddingUsage(int PromptTokens, int TotalTokens);

internal sealed record TokenList(int Count, IReadOnlyList<int> Tokens);

internal sealed record TokenText(string Prompt);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Answer))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(ModelEntry))]
[JsonSerializable(typeof(EmbeddingList))]
[JsonSerializable(typeof(IReadOnlyList<float>))]
[JsonSerializable(typeof(TokenList))]
[JsonSerializable(typeof(TokenText))]
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
