using System.Text.Json;
using System.Text.Json.Serialization;
using LlmPlatform.Explore.Catalogue;

namespace LlmPlatform.Explore.Hub;

/// <summary>A model of <c>/api/models</c>, as far as it is read. What has the wrong form makes the whole answer unreadable.</summary>
internal sealed record HubModelAnswer
{
    public string? Id { get; init; }

    public long? Downloads { get; init; }

    public long? Likes { get; init; }

    public DateTimeOffset? LastModified { get; init; }

    [JsonPropertyName("pipeline_tag")]
    public string? Pipeline { get; init; }

    public string?[]? Tags { get; init; }

    public HubSiblingAnswer?[]? Siblings { get; init; }

    public HubHeaderAnswer? Gguf { get; init; }

    public bool? Private { get; init; }
}

internal sealed record HubSiblingAnswer(string? Rfilename);

/// <summary>What the hub read in the header of one of the files.</summary>
internal sealed record HubHeaderAnswer
{
    public long? Total { get; init; }

    public string? Architecture { get; init; }

    [JsonPropertyName("context_length")]
    public long? ContextLength { get; init; }
}

/// <summary>An entry of <c>/api/models/{repository}/tree/main</c>.</summary>
internal sealed record HubTreeAnswer(string? Type, string? Path, long? Size, HubTreeAnswer.LargeFile? Lfs)
{
    private const long MostBytes = 1L << 44;

    /// <summary>A file that Git keeps elsewhere; its id is a SHA-256.</summary>
    public sealed record LargeFile(string? Oid, long? Size);

    /// <summary>The file, or null where this is none or says what cannot be.</summary>
    public HubFileEntry? ToFile() => Type == "file" && HubFile.IsPath(Path) && (Lfs?.Size ?? Size) is > 0 and <= MostBytes and var size
        ? new HubFileEntry(Path!, size, Lfs?.Oid is { Length: 64 } oid && oid.All(char.IsAsciiHexDigitLower) ? oid : null)
        : null;
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.Strict)]
[JsonSerializable(typeof(HubModelAnswer))]
[JsonSerializable(typeof(HubModelAnswer[]))]
[JsonSerializable(typeof(HubTreeAnswer[]))]
[JsonSerializable(typeof(IReadOnlyList<HubModel>))]
[JsonSerializable(typeof(HubModel))]
[JsonSerializable(typeof(HubCard))]
internal sealed partial class HubJson : JsonSerializerContext;
