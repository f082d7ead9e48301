namespace LlmPlatform.Inference.Contracts;

/// <summary>Answers which models can be used now.</summary>
public interface IModelCatalog
{
    /// <summary>All installed models, by name.</summary>
    Task<IReadOnlyList<InstalledModel>> ListAsync(CancellationToken cancellation);

    /// <summary>One model, or null where there is none of that name.</summary>
    Task<InstalledModel?> FindAsync(string name, CancellationToken cancellation);
}

/// <summary>An installed model.</summary>
/// <param name="Name">Its name, as requests give it.</param>
/// <param name="Digest"><c>sha256:</c> and 64 hexadecimal digits of its file.</param>
/// <param name="SizeBytes">Size of its file.</param>
/// <param name="Architecture">As in its header.</param>
/// <param name="Parameters">Number of weights.</param>
/// <param name="ContextTokens">The context it was trained for.</param>
/// <param name="InstalledAt">When it came.</param>
public sealed record InstalledModel(string Name, string Digest, long SizeBytes, string Architecture, long Parameters, int ContextTokens, DateTimeOffset InstalledAt);
