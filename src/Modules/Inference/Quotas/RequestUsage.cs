using System.Text.Json;

namespace LlmPlatform.Inference.Quotas;

/// <summary>What a request has used so far, and for whom.</summary>
internal sealed record RequestUsage(Guid Id, Guid UserId, Guid? ApiKeyId, IReadOnlyList<string> Groups, string Model, DateTimeOffset StartedAt)
{
    /// <summary>Whether its prompt was taken; before that it has used nothing and counts as no request.</summary>
    public bool IsAdmitted { get; init; }

    public int PromptTokens { get; init; }

    /// <summary>Of the prompt, tokens that were found in the KV cache.</summary>
    public int CachedTokens { get; init; }

    public int CompletionTokens { get; init; }

    /// <summary>False for all but the first of several replies to one prompt, which is counted once.</summary>
    public bool CountsPrompt { get; init; } = true;

    /// <summary>What counts against quotas.</summary>
    public int Tokens => (CountsPrompt ? PromptTokens : 0) + CompletionTokens;

    public string ToJson() => JsonSerializer.Serialize(this, JsonSerializerOptions.Web);

    public static RequestUsage FromJson(string json) => JsonSerializer.Deserialize<RequestUsage>(json, JsonSerializerOptions.Web)!;
}
