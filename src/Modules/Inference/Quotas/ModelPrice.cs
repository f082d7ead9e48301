namespace LlmPlatform.Inference.Quotas;

/// <summary>What a model's tokens cost from a time on. A new price is a new version; what was used before keeps the old one.</summary>
/// <param name="Model">The installed model.</param>
/// <param name="Version">Counts from 1 for each model.</param>
/// <param name="Currency">Three letters, ISO 4217.</param>
/// <param name="PromptPerMillion">Of a million prompt tokens.</param>
/// <param name="CachedPerMillion">Of a million prompt tokens that were found in the KV cache.</param>
/// <param name="CompletionPerMillion">Of a million completion tokens.</param>
/// <param name="SetAt">From when on.</param>
public sealed record ModelPrice(
    string Model, int Version, string Currency, decimal PromptPerMillion, decimal CachedPerMillion, decimal CompletionPerMillion, DateTimeOffset SetAt)
{
    private const decimal Million = 1_000_000;

    public string Id => $"{Model}#{Version}";

    /// <summary>The cost of these tokens, not rounded.</summary>
    public decimal Of(int promptTokens, int cachedTokens, int completionTokens) =>
        (((promptTokens - cachedTokens) * PromptPerMillion) + (cachedTokens * CachedPerMillion) + (completionTokens * CompletionPerMillion)) / Million;
}
