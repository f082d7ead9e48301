using LlmPlatform.Inference.Models;
using LlmPlatform.SharedKernel;
using LlmPlatform.SharedKernel.Outside;
using Microsoft.Extensions.Configuration;

namespace LlmPlatform.Inference.Installs;

/// <summary>Where models may come from. What can be seen to be wrong is refused at once; what shows later fails the install with the same code.</summary>
public sealed class InstallSources
{
    /// <summary>The source of a file that its owner sends.</summary>
    public const string Upload = "upload:";

    private readonly IReadOnlyList<string> folders;
    private readonly AddressGuard guard;
    private readonly HubAddress hub;

    internal InstallSources(IConfiguration configuration, AddressGuard guard)
    {
        folders = configuration.GetSection("Inference:ImportPaths").Get<string[]>() ?? [];
        this.guard = guard;
        hub = new HubAddress(configuration);
    }

    /// <summary>Reads a source; refuses with 422.</summary>
    /// <returns>The source in its usual spelling.</returns>
    public string Check(string source)
    {
        if (source.StartsWith(HubSource.Scheme, StringComparison.Ordinal))
        {
            return HubSource.Parse(source).ToString();
        }

        if (source.StartsWith(OllamaSource.Scheme, StringComparison.Ordinal))
        {
            return OllamaSource.Parse(source).ToString();
        }

        if (source.StartsWith('/') || source.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)) || !Uri.TryCreate(source, UriKind.Absolute, out var uri))
        {
            throw Refuse("url.syntax", "The source is not an address. Examples: hf://owner/repository/file.gguf, https://example.com/a.gguf, ollama://name:tag, file:///models/a.gguf.");
        }

        switch (uri.Scheme)
        {
            case "file" when uri.IsFile && uri.Host.Length == 0:
                ResolveFile(uri.LocalPath);
                return uri.ToString();
            case "http" or "https":
                return guard.Check(uri).AbsoluteUri;
            default:
                throw Refuse("url.scheme", "A source begins with hf://, ollama://, file://, http:// or https://.");
        }
    }

    /// <summary>Where the file is, as far as the source alone says it; null where the hub or the registry has to be asked.</summary>
    internal static FileLocation? Locate(Guid installId, string source, string? sha256, long? sizeBytes)
    {
        var digest = sha256 is null ? null : $"sha256:{sha256}";
        return source.StartsWith(HubSource.Scheme, StringComparison.Ordinal) || source.StartsWith(OllamaSource.Scheme, StringComparison.Ordinal) ? null
            : source == Upload ? new FileLocation($"{Upload}{installId:n}", null, digest, sizeBytes)
            : new FileLocation(digest ?? source, source, digest, null);
    }

    /// <summary>What the hub wants to see at one of its own addresses; nobody else does.</summary>
    internal string? TokenFor(Uri address) => hub.TokenFor(address);

    /// <summary>An address of the hub.</summary>
    /// <exception cref="InstallException">An operator switched it off.</exception>
    internal Uri AtHub(string path) =>
        hub.Of(path) ?? throw new InstallException("hub.off", "An operator switched the hub off with Hub:Endpoint.");

    /// <summary>The file behind a path, links followed; it has to lie in a folder that an operator opened for imports.</summary>
    internal string ResolveFile(string path)
    {
        var real = RealPath(Path.GetFullPath(path));
        return folders.Any(folder => real.StartsWith(RealPath(Path.GetFullPath(folder)).TrimEnd('/') + "/", StringComparison.Ordinal))
            ? real
            : throw Refuse("source.not_allowed", "Files are taken only from the folders that the setting Inference:ImportPaths lists, and this one is in none of them.");
    }

    /// <summary>A model name made of the source.</summary>
    internal static string NameOf(string source)
    {
        if (source.StartsWith(OllamaSource.Scheme, StringComparison.Ordinal))
        {
            return OllamaSource.Parse(source).ModelName;
        }

        var path = source.StartsWith(HubSource.Scheme, StringComparison.Ordinal) ? source : Uri.UnescapeDataString(new Uri(source).AbsolutePath);
        var file = Path.GetFileNameWithoutExtension(path).ToLowerInvariant();
        var name = string.Concat(file.Select(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-' ? c : '-')).Trim('-');
        name = name.Length > 64 ? name[..64] : name;
        return Model.IsName(name) ? name : throw Refuse("model.name_invalid", "No model name can be made of this source; give one.");
    }

    internal static Refusal Refuse(string code, string message) => new(new Error(422, code, message, "source"));

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
}
