using LlmPlatform.Explore.Catalogue;

namespace LlmPlatform.Explore.Hub;

/// <summary>What the hub said of a model, held against what can be.</summary>
internal sealed record HubModel
{
    private const int MostTags = 200;
    private const int MostFiles = 5000;
    private const int LongestName = 60;
    private const long MostParameters = 100_000_000_000_000;
    private const int MostContext = 1 << 24;
    private static readonly DateTimeOffset Earliest = new(2015, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Latest = new(2100, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public required string Repository { get; init; }

    public string? Architecture { get; init; }

    public long? Parameters { get; init; }

    public int? ContextTokens { get; init; }

    public string? Licence { get; init; }

    public IReadOnlyList<string> Tasks { get; init; } = [];

    public IReadOnlyList<HubFileEntry> Files { get; init; } = [];

    public bool HasSizes { get; init; }

    public long? Downloads { get; init; }

    public long? Likes { get; init; }

    public DateTimeOffset? UpdatedAt { get; init; }

    /// <summary>Null where it cannot be told apart or is nobody's business.</summary>
    public static HubModel? From(HubModelAnswer? answer)
    {
        if (answer is null || answer.Private == true || !HubFile.IsRepository(answer.Id))
        {
            return null;
        }

        var tags = (answer.Tags ?? []).OfType<string>().Take(MostTags).ToArray();
        return new HubModel
        {
            Repository = answer.Id!,
            Architecture = HubText.Line(answer.Gguf?.Architecture, LongestName),
            Parameters = answer.Gguf?.Total is > 0 and <= MostParameters and var total ? total : null,
            ContextTokens = answer.Gguf?.ContextLength is > 0 and <= MostContext and var context ? (int)context : null,
            Licence = HubText.Line(tags.FirstOrDefault(tag => tag.StartsWith("license:", StringComparison.Ordinal))?["license:".Length..], LongestName)?.ToLowerInvariant(),
            Tasks = [.. TasksOf(answer.Pipeline, tags).Distinct()],
            Files = [.. (answer.Siblings ?? []).Take(MostFiles).Where(sibling => HubFile.IsPath(sibling?.Rfilename)).Select(sibling => new HubFileEntry(sibling!.Rfilename!, null, null))],
            Downloads = answer.Downloads is >= 0 and <= ModelColumns.MostPopularity and var downloads ? downloads : null,
            Likes = answer.Likes is >= 0 and <= ModelColumns.MostPopularity and var likes ? likes : null,
            UpdatedAt = answer.LastModified is { } at && at > Earliest && at < Latest ? at : null,
        };
    }

    public ModelRow ToRow() => new()
    {
        Key = ModelRow.KeyOfHub(Repository),
        Source = ModelSource.Hub,
        Name = Repository[(Repository.IndexOf('/', StringComparison.Ordinal) + 1)..],
        Developer = Repository[..Repository.IndexOf('/', StringComparison.Ordinal)],
        Hub = Repository,
        Architecture = Architecture,
        Parameters = Parameters,
        Licence = Licence,
        ContextTokens = ContextTokens,
        Tasks = Tasks,
        Variants = HubFiles.Variants(Files, Parameters),
        Downloads = Downloads,
        Likes = Likes,
        UpdatedAt = UpdatedAt,
        IsDetailed = HasSizes,
    };

    // The hub's words for what a model is for, in the words that the curated list uses.
    private static IEnumerable<string> TasksOf(string? pipeline, string[] tags)
    {
        var task = pipeline switch
        {
            "text-generation" or "conversational" => "chat",
            "image-text-to-text" or "visual-question-answering" or "image-to-text" => "vision",
            "feature-extraction" or "sentence-similarity" => "embedding",
            "translation" => "translation",
            _ => null,
        };
        if (task is not null)
        {
            yield return task;
        }

        foreach (var tag in tags)
        {
            if (tag is "code" or "reasoning" or "vision" or "translation")
            {
                yield return tag;
            }
        }
    }
}
