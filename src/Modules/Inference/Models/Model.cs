using System.Text.RegularExpressions;

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

    /// <summary>The stream with what administrators set for it; null where nobody did.</summary>
    public Guid? ConfigurationId { get; init; }

    public static bool IsName(string name) => NamePattern().IsMatch(name);

    [GeneratedRegex("^[a-z0-9._-]{1,64}(:[a-z0-9._-]{1,64})?$", RegexOptions.NonBacktracking)]
    private static partial Regex NamePattern();
}
