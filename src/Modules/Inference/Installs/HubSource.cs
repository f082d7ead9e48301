using System.Text.RegularExpressions;

namespace LlmPlatform.Inference.Installs;

/// <summary>A file of a Hugging Face repository: <c>hf://owner/repository[@revision]/path/file.gguf</c>.</summary>
internal sealed partial record HubSource(string Owner, string Repository, string Revision, string Path)
{
    public const string Scheme = "hf://";
    private const string Main = "main";

    /// <summary>The folder in the repository; empty for its root.</summary>
    public string Folder => Path.Contains('/', StringComparison.Ordinal) ? Path[..Path.LastIndexOf('/')] : "";

    public static HubSource Parse(string source)
    {
        var match = Pattern().Match(source);
        var path = match.Groups["path"].Value;
        if (!match.Success || path.Split('/').Any(part => part is "" or "." or ".."))
        {
            throw InstallSources.Refuse("url.syntax", "A file of the hub is named like hf://owner/repository/file.gguf, or hf://owner/repository@revision/folder/file.gguf.");
        }

        if (!path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
        {
            throw InstallSources.Refuse("source.not_gguf", "Only files that end with .gguf are installed.");
        }

        if (Part().IsMatch(path))
        {
            throw InstallSources.Refuse("gguf.split", "This is one part of a model that is split over several files; take a repository that has it in one.");
        }

        return new HubSource(match.Groups["owner"].Value, match.Groups["repository"].Value, match.Groups["revision"] is { Success: true } given ? given.Value : Main, path);
    }

    public override string ToString() => $"{Scheme}{Owner}/{Repository}{(Revision == Main ? "" : $"@{Revision}")}/{Path}";

    [GeneratedRegex(@"^hf://(?<owner>[A-Za-z0-9][A-Za-z0-9._-]{0,95})/(?<repository>[A-Za-z0-9][A-Za-z0-9._-]{0,95})(@(?<revision>[A-Za-z0-9][A-Za-z0-9._-]{0,95}))?/(?<path>[A-Za-z0-9 ._+()\[\],=/-]{1,500})$", RegexOptions.NonBacktracking)]
    private static partial Regex Pattern();

    [GeneratedRegex(@"-\d{5}-of-\d{5}\.gguf$", RegexOptions.NonBacktracking | RegexOptions.IgnoreCase)]
    private static partial Regex Part();
}
