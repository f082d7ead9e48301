using System.Text.RegularExpressions;

namespace LlmPlatform.Explore.Catalogue;

/// <summary>A file of a repository of the hub. Names come from other machines and from users, so they are held against patterns before anything is made of them.</summary>
internal sealed partial record HubFile(string Owner, string Name, string Path)
{
    public string Repository => $"{Owner}/{Name}";

    /// <summary>The file that an install's source names, <c>hf://owner/repository[@revision]/path</c>; null where it is something else.</summary>
    public static HubFile? Parse(string? source) => source is not null && Source().Match(source) is { Success: true } match && IsRepository($"{match.Groups["owner"]}/{match.Groups["name"]}")
        ? new HubFile(match.Groups["owner"].Value, match.Groups["name"].Value, match.Groups["path"].Value)
        : null;

    /// <summary>Whether this can be the name of a repository, such as <c>owner/repository</c>.</summary>
    public static bool IsRepository(string? repository) => repository is not null && RepositoryPattern().IsMatch(repository) && !repository.Contains("..", StringComparison.Ordinal);

    /// <summary>Whether this can be a file in a repository: below its root, and nothing that a path or a terminal would read otherwise.</summary>
    public static bool IsPath(string? path) => path is not null && PathPattern().IsMatch(path) && path.Split('/').All(part => part is not ("" or "." or ".."));

    [GeneratedRegex(@"^hf://(?<owner>[^/@]{1,96})/(?<name>[^/@]{1,96})(@[^/]{1,96})?/(?<path>.{1,500})$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Source();

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}\z", RegexOptions.NonBacktracking)]
    private static partial Regex RepositoryPattern();

    [GeneratedRegex(@"^[A-Za-z0-9 ._+()\[\],=/-]{1,500}\z", RegexOptions.NonBacktracking)]
    private static partial Regex PathPattern();
}
