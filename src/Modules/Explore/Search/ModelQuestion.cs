using LlmPlatform.Explore.Catalogue;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Explore.Search;

/// <summary>In which order models are listed.</summary>
public enum ModelSort
{
    Relevance,
    Name,
    Size,
    Parameters,
    Newest,
    Popular,
}

/// <summary>What somebody looks for, checked. A null asks for all.</summary>
internal sealed record ModelQuestion
{
    private const int LongestQuery = 200;
    private const int LongestFilter = 100;
    private const int MostContext = 1 << 24;

    public required SearchText Text { get; init; }

    public string? Task { get; init; }

    public string? Licence { get; init; }

    public string? Quantisation { get; init; }

    public long? MinBytes { get; init; }

    public long? MaxBytes { get; init; }

    public bool? Fits { get; init; }

    public bool? Installed { get; init; }

    public ModelSource? Source { get; init; }

    public int? ContextTokens { get; init; }

    public ModelSort Sort { get; init; }

    /// <summary>What the caller may know of.</summary>
    public VisibleModels Visible { get; init; } = VisibleModels.All;

    public SearchCursor? After { get; init; }

    public int Limit { get; init; }

    /// <exception cref="Refusal">400 <c>param.range</c> or <c>param.cursor</c>.</exception>
    public ModelQuestion Checked()
    {
        if (Text.Written.Length > LongestQuery)
        {
            throw Refusal.BadParam("query", $"A query has at most {LongestQuery} characters.");
        }

        foreach (var (name, value) in (ReadOnlySpan<(string, string?)>)[("task", Task), ("licence", Licence), ("quantisation", Quantisation)])
        {
            if (value is not null && (value.Length is 0 or > LongestFilter || value.Any(c => char.IsControl(c) || char.IsSurrogate(c))))
            {
                throw Refusal.BadParam(name, $"'{name}' is a text of 1 to {LongestFilter} characters.");
            }
        }

        CheckContext(ContextTokens);
        return MinBytes < 0 ? throw Refusal.BadParam("minBytes", "'minBytes' is not negative.")
            : MaxBytes < 0 ? throw Refusal.BadParam("maxBytes", "'maxBytes' is not negative.")
            : After is not null && (After.Sort != Sort) ? throw SearchCursor.Foreign()
            : this;
    }

    /// <summary>Refuses a context that no model has.</summary>
    public static int? CheckContext(int? tokens) => tokens is null or (>= 1 and <= MostContext)
        ? tokens
        : throw Refusal.BadParam("contextTokens", $"'contextTokens' is a number from 1 to {MostContext}.");
}
