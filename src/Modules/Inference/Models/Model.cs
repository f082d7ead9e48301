using System.Text.RegularExpressions;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Inference.Models;

/// <summary>An installed model. Two names of one digest are two models and one file.</summary>
public sealed partial record Model
{
    /// <summary>The name that requests give; also the document's id, so a name is taken once.</summary>
    public required string Id { get; init; }

    /// <summary><c>sha256:</c> and 64 lower-case hexadecimal digits.</summary>
    public required string Digest { get; init; }

    public required long SizeBytes { get; init; }

    public required string Architecture { get; init; }

    public required long Parameters { get; init; }

    public required int ContextTokens { get; init; }

    public required bool HasChatTemplate { get; init; }

    public required Guid InstalledBy { get; init; }

    public required DateTimeOffset InstalledAt { get; init; }

    /// <summary>Where it came from, such as <c>hf://owner/repo/file.gguf</c>.</summary>
    public string? Source { get; init; }

    /// <summary>How most of its weights are stored, such as <c>Q4_K_M</c>, where its header says so.</summary>
    public string? Quantisation { get; init; }

    /// <summary>As in its header, where it says so.</summary>
    public string? Licence { get; init; }

    /// <summary>Whether it turns texts into vectors and generates none.</summary>
    public bool IsEmbedder { get; init; }

    public ModelRights Rights { get; init; } = ModelRights.ForEveryone;

    /// <summary>Why it cannot be used at all, such as that its file is gone.</summary>
    public ModelError? Quarantine { get; init; }

    /// <summary>The stream with what administrators set for it; null where nobody did.</summary>
    public Guid? ConfigurationId { get; init; }

    /// <summary>64 characters, a colon, and 64 of a tag.</summary>
    public const int LongestName = 129;

    public const string NameRule = "A model name has 1 to 64 of a-z, 0-9, '.', '_' and '-', and may end with a ':' and a tag.";

    internal InstalledModel ToInstalled() => new(Id, Digest, SizeBytes, Architecture, Parameters, ContextTokens, InstalledAt);

    public static bool IsName(string name) => NamePattern().IsMatch(name);

    [GeneratedRegex("^[a-z0-9._-]{1,64}(:[a-z0-9._-]{1,64})?$", RegexOptions.NonBacktracking)]
    private static partial Regex NamePattern();
}

/// <summary>Why a model cannot be used, or its last worker ended.</summary>
public sealed record ModelError(string Code, string Message);

/// <summary>What the workers have to know of an installed model.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Digest"><c>sha256:</c> and 64 hexadecimal digits of its file.</param>
/// <param name="SizeBytes">Size of its file.</param>
/// <param name="Architecture">As in its header.</param>
/// <param name="Parameters">Number of weights.</param>
/// <param name="ContextTokens">The context it was trained for.</param>
/// <param name="InstalledAt">When it came.</param>
internal sealed record InstalledModel(string Name, string Digest, long SizeBytes, string Architecture, long Parameters, int ContextTokens, DateTimeOffset InstalledAt);
