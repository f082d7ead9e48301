namespace LlmPlatform.Inference.Contracts;

/// <summary>Answers which models somebody can use now. What they may not use is not there.</summary>
public interface IModelCatalog
{
    /// <summary>All names that can be asked for, sorted.</summary>
    Task<IReadOnlyList<UsableModel>> ListAsync(ModelUser user, CancellationToken cancellation);

    /// <summary>One of them, or null.</summary>
    Task<UsableModel?> FindAsync(string name, ModelUser user, CancellationToken cancellation);

    /// <summary>The model that a request means which names none; null where there is none for this user.</summary>
    Task<string?> FindDefaultAsync(ModelUser user, CancellationToken cancellation);
}

/// <summary>What a name stands for.</summary>
public enum ModelKind
{
    /// <summary>An installed file.</summary>
    Installed,

    /// <summary>An installed model with a system prompt and settings of its own.</summary>
    Preset,

    /// <summary>Another name of one of these.</summary>
    Alias,
}

/// <summary>A name that requests can give.</summary>
/// <param name="Name">The name.</param>
/// <param name="Kind">What it stands for.</param>
/// <param name="Model">The installed model behind it. Not for the user's eyes where that is another name: they may have no right to it.</param>
/// <param name="ContextTokens">The context that model was trained for, or a preset's limit.</param>
/// <param name="CreatedAt">When it came.</param>
public sealed record UsableModel(string Name, ModelKind Kind, string Model, int ContextTokens, DateTimeOffset CreatedAt)
{
    /// <summary>What a preset is for.</summary>
    public string? Description { get; init; }
}
