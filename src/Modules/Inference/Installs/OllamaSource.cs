using System.Text.RegularExpressions;

namespace LlmPlatform.Inference.Installs;

/// <summary>A model of Ollama's registry: <c>ollama://[namespace/]name[:tag]</c>.</summary>
internal sealed partial record OllamaSource(string Namespace, string Name, string Tag)
{
    public const string Scheme = "ollama://";
    private const string Library = "library";

    /// <summary>What it is called here.</summary>
    public string ModelName => $"{(Namespace == Library ? "" : $"{Namespace}-")}{Name}:{Tag}".ToLowerInvariant();

    public static OllamaSource Parse(string source)
    {
        var match = Pattern().Match(source);
        return match.Success
            ? new OllamaSource(
                match.Groups["namespace"] is { Success: true } space ? space.Value : Library,
                match.Groups["name"].Value,
                match.Groups["tag"] is { Success: true } tag ? tag.Value : "latest")
            : throw InstallSources.Refuse("url.syntax", "A model of Ollama's registry is named like ollama://llama3.2:1b or ollama://somebody/model:tag.");
    }

    public override string ToString() => $"{Scheme}{(Namespace == Library ? "" : $"{Namespace}/")}{Name}:{Tag}";

    [GeneratedRegex(@"^ollama://((?<namespace>[A-Za-z0-9][A-Za-z0-9._-]{0,30})/)?(?<name>[A-Za-z0-9][A-Za-z0-9._-]{0,30})(:(?<tag>[A-Za-z0-9][A-Za-z0-9._-]{0,63}))?$", RegexOptions.NonBacktracking)]
    private static partial Regex Pattern();
}
