namespace LlmPlatform.Inference.Names;

/// <summary>The model that is meant where a request or a new chat names none.</summary>
public sealed record DefaultModel
{
    public const string Only = "default";

    public string Id { get; init; } = Only;

    public required string Name { get; init; }
}
