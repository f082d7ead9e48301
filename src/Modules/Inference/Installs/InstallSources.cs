using LlmPlatform.Inference.Models;
using LlmPlatform.SharedKernel;
using LlmPlatform.SharedKernel.Outside;
using Microsoft.Extensions.Configuration;

namespace LlmPlatform.Inference.Installs;

/// <summary>Where models may come from. What can be seen to be wrong is refused at once; what shows later fails the install with the same code.</summary>
public sealed class InstallSources
{
    private readonly IReadOnlyList<string> folders;
    private readonly AddressGuard guard;

    internal InstallSources(IConfiguration configuration, AddressGuard guard)
    {
        folders = configuration.GetSection("Inference:ImportPaths").Get<string[]>() ?? [];
        this.guard = guard;
    }

    /// <summary>Reads a source; refuses with 422.</summary>
    public Uri Check(string source)
    {
        if (source.StartsWith('/') || !Uri.TryCreate(source, UriKind.Absolute, out var uri) || source.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)))
        {
            throw Refuse("url.syntax", "The source is not an address. Examples: file:///models/a.gguf, https://example.com/a.gguf.");
        }

        switch (uri.Scheme)
        {
            case "file" when uri.IsFile && uri.Host.Length == 0:
                ResolveFile(uri.LocalPath);
                return uri;
            case "http" or "https":
                return guard.Check(uri);
            case "hf" or "ollama":
                throw Refuse("source.unsupported", $"Sources of the kind {uri.Scheme}:// are not supported yet; give the https address of the file.");
            default:
                throw Refuse("url.scheme", "A source begins with file://, http:// or https://.");
        }
    }

    /// <summary>The file behind a path, links followed; it has to lie in a folder that an operator opened for imports.</summary>
    internal string ResolveFile(string path)
    {
        var real = RealPath(Path.GetFullPath(path));
        return folders.Any(folder => real.StartsWith(RealPath(Path.GetFullPath(folder)).TrimEnd('/') + "/", StringComparison.Ordinal))
            ? real
            : throw Refuse("source.not_allowed", "Files are taken only from the folders that the setting Inference:ImportPaths lists, and this one is in none of them.");
    }

    /// <summary>A model name made of the source's file name.</summary>
    internal static string NameOf(Uri source)
    {
        var file = Path.GetFileNameWithoutExtension(Uri.UnescapeDataString(source.AbsolutePath)).ToLowerInvariant();
        var name = string.Concat(file.Select(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-' ? c : '-')).Trim('-');
        name = name.Length > 64 ? name[..64] : name;
        return Model.IsName(name) ? name : throw Refuse("model.name_invalid", "No model name can be made of this source; give one.");
    }

    private static string RealPath(string path)
    {
        var real = "/";
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var next = Path.Combine(real, part);
            FileSystemInfo? entry = Directory.Exists(next) ? new DirectoryInfo(next) : File.Exists(next) ? new FileInfo(next) : null;
            real = entry?.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? next;
        }

        return real;
    }

    private static Refusal Refuse(string code, string message) => new(new Error(422, code, message, "source"));
}
