namespace LlmPlatform.Inference.Models;

/// <summary>Holds a name from the moment its install is asked for: the id is the name, so two requests cannot both have it.</summary>
public sealed record ModelName
{
    public required string Id { get; init; }

    public required Guid InstallId { get; init; }
}
