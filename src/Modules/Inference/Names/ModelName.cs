namespace LlmPlatform.Inference.Names;

/// <summary>
/// A name that is taken: by an installed model or one on its way, by a preset, or by an alias. The id is the name, so nobody can have it twice.
/// </summary>
public sealed record ModelName
{
    public required string Id { get; init; }

    /// <summary>The install that holds it, from the moment it is asked for.</summary>
    public Guid? InstallId { get; init; }

    /// <summary>The model or preset that an alias stands for.</summary>
    public string? AliasOf { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Held by whoever takes, changes or frees a name. It is one for all names, because they stand on one another.</summary>
    internal const string Lock = "model-names";
}
