using System.Text.Json;
using System.Text.Json.Serialization;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Explore.Catalogue;

/// <summary>Where a row comes from.</summary>
public enum ModelSource
{
    Installed,
    Curated,
    Hub,
}

/// <summary>A model that people can find, as it is kept. What cannot be known is null, or 0 where rows are sorted by it.</summary>
internal sealed record ModelRow
{
    /// <summary>Such as <c>installed:name</c>, <c>curated:id</c> or <c>hub:owner/repository</c>.</summary>
    public required string Key { get; init; }

    public required ModelSource Source { get; init; }

    public required string Name { get; init; }

    public string? Developer { get; init; }

    public string? Summary { get; init; }

    /// <summary><c>owner/repository</c>.</summary>
    public string? Hub { get; init; }

    public string? Architecture { get; init; }

    public long? Parameters { get; init; }

    public string? Licence { get; init; }

    public int? ContextTokens { get; init; }

    public IReadOnlyList<string> Tasks { get; init; } = [];

    public ModelShape? Shape { get; init; }

    public IReadOnlyList<Variant> Variants { get; init; } = [];

    /// <summary>The names under which it is installed here.</summary>
    public IReadOnlyList<string> InstalledNames { get; init; } = [];

    public Guid? InstallId { get; init; }

    public DateTimeOffset? InstalledAt { get; init; }

    public string? Digest { get; init; }

    public long? Downloads { get; init; }

    public long? Likes { get; init; }

    public DateTimeOffset? UpdatedAt { get; init; }

    /// <summary>The hub told the files' sizes.</summary>
    public bool IsDetailed { get; init; }

    public static string KeyOfInstalled(string name) => $"installed:{name}";

    public static string KeyOfCurated(string id) => $"curated:{id}";

    public static string KeyOfHub(string repository) => $"hub:{repository.ToLowerInvariant()}";
}

/// <summary>The shapes of <c>shape</c> and <c>variants</c> in the table.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ModelShape))]
[JsonSerializable(typeof(IReadOnlyList<Variant>))]
internal sealed partial class RowJson : JsonSerializerContext;
