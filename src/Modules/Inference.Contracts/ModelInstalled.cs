namespace LlmPlatform.Inference.Contracts;

/// <summary>A model was installed and can be used.</summary>
/// <param name="InstallId">The install that brought it; receivers use it to apply this once.</param>
/// <param name="Name">Its name.</param>
/// <param name="Digest"><c>sha256:</c> and 64 hexadecimal digits of its file.</param>
/// <param name="SizeBytes">Size of its file.</param>
/// <param name="Architecture">As in its header, such as <c>llama</c>.</param>
/// <param name="Parameters">Number of weights.</param>
/// <param name="ContextTokens">The context it was trained for.</param>
/// <param name="InstalledBy">Who asked for it.</param>
/// <param name="At">When.</param>
public sealed record ModelInstalled(
    Guid InstallId,
    string Name,
    string Digest,
    long SizeBytes,
    string Architecture,
    long Parameters,
    int ContextTokens,
    Guid InstalledBy,
    DateTimeOffset At)
{
    /// <summary>Where it came from, such as <c>hf://owner/repo/file.gguf</c>.</summary>
    public string? Source { get; init; }

    /// <summary>How most of its weights are stored, such as <c>Q4_K_M</c>, where the header says so.</summary>
    public string? Quantisation { get; init; }

    /// <summary>As in its header, where it says so.</summary>
    public string? Licence { get; init; }

    /// <summary>Whether it turns texts into vectors and generates none.</summary>
    public bool IsEmbedder { get; init; }
}
