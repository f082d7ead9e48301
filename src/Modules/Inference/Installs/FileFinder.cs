using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using LlmPlatform.SharedKernel.Outside;

namespace LlmPlatform.Inference.Installs;

/// <summary>Asks the hub or a registry which file a source means. What they say is checked, because nobody knows who answers.</summary>
internal sealed class FileFinder(GuardedHttp http, InstallSources sources, InstallOptions options)
{
    private const int MostBytes = 1 << 20;
    private const int MostPages = 20;
    private const string ModelLayer = "application/vnd.ollama.image.model";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <exception cref="InstallException">There is none, or nobody says so.</exception>
    public Task<FileLocation> FindAsync(string source, string? sha256, CancellationToken cancellation) =>
        source.StartsWith(HubSource.Scheme, StringComparison.Ordinal)
            ? FindAtHubAsync(HubSource.Parse(source), sha256, cancellation)
            : FindAtRegistryAsync(OllamaSource.Parse(source), sha256, cancellation);

    private async Task<FileLocation> FindAtHubAsync(HubSource source, string? sha256, CancellationToken cancellation)
    {
        var repository = $"{source.Owner}/{source.Repository}";
        var page = sources.AtHub($"/api/models/{repository}/tree/{source.Revision}{(source.Folder.Length == 0 ? "" : $"/{Escaped(source.Folder)}")}");
        for (var pages = 0; pages < MostPages; pages++)
        {
            var answer = await AskAsync(page, "application/json", cancellation);
            if (Read(answer, FinderJson.Default.TreeEntryArray).FirstOrDefault(e => e.Type == "file" && e.Path == source.Path) is { } entry)
            {
                var address = sources.AtHub($"/{repository}/resolve/{source.Revision}/{Escaped(source.Path)}").AbsoluteUri;
                return Location(address, entry.Lfs?.Oid is { } oid ? $"sha256:{oid}" : null, entry.Lfs?.Size ?? entry.Size, sha256);
            }

            if (Next(answer, page) is not { } next)
            {
                throw new InstallException("download.not_found", $"The repository {repository} has no file {source.Path}.");
            }

            page = next;
        }

        throw new InstallException("hub.too_many_files", $"The repository {repository} has too many files to look through.");
    }

    private async Task<FileLocation> FindAtRegistryAsync(OllamaSource source, string? sha256, CancellationToken cancellation)
    {
        var repository = new Uri(new Uri(options.OllamaEndpoint), $"/v2/{source.Namespace}/{source.Name}/");
        var answer = await AskAsync(new Uri(repository, $"manifests/{source.Tag}"), "application/vnd.docker.distribution.manifest.v2+json", cancellation);
        var models = Read(answer, FinderJson.Default.Manifest).Layers?.Where(layer => layer.MediaType == ModelLayer).ToArray() ?? [];
        return models switch
        {
            [{ Digest: { } digest, Size: var size }] => Location(new Uri(repository, $"blobs/{digest}").AbsoluteUri, digest, size, sha256),
            [] => throw new InstallException("source.not_gguf", "This model of the registry has no file that can be installed; it may run in the cloud only, or be in another format."),
            _ => throw new InstallException("gguf.split", "This model of the registry is split over several files."),
        };
    }

    private static FileLocation Location(string address, string? digest, long size, string? sha256)
    {
        if (size <= 0 || (digest is not null && !IsDigest(digest)))
        {
            throw Invalid();
        }

        return sha256 is not null && digest is not null && digest != $"sha256:{sha256}"
            ? throw new InstallException("model.hash_mismatch", $"The source has the digest {digest}, not the one that was given.")
            : new FileLocation(digest ?? (sha256 is null ? address : $"sha256:{sha256}"), address, digest ?? (sha256 is null ? null : $"sha256:{sha256}"), size);
    }

    private static bool IsDigest(string digest) =>
        digest.StartsWith("sha256:", StringComparison.Ordinal) && digest.Length == 71 && digest[7..].All(char.IsAsciiHexDigitLower);

    private async Task<SmallAnswer> AskAsync(Uri address, string accept, CancellationToken cancellation)
    {
        try
        {
            var answer = await http.GetSmallAsync(new OutsideRequest(address) { Accept = accept, BearerToken = sources.TokenFor(address) }, MostBytes, Patience, cancellation);
            return answer.Status switch
            {
                _ when answer.IsSuccess => answer,
                HttpStatusCode.NotFound => throw new InstallException("download.not_found", "There is no such model, or no such revision."),
                HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => throw new InstallException(
                    "download.forbidden", "There is no such model, or it is not given to everybody; a gated model of the hub needs the setting Hub:Token."),
                var status => throw new InstallException("download.status", $"The source answered with status {(int)status}.") { IsTransient = (int)status is 429 or >= 500 },
            };
        }
        catch (OutsideException failure)
        {
            throw InstallException.From(failure);
        }
    }

    private static T Read<T>(SmallAnswer answer, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(answer.Body, type) ?? throw Invalid();
        }
        catch (JsonException)
        {
            throw Invalid();
        }
    }

    private static InstallException Invalid() => new("hub.invalid_answer", "The source answered with something that cannot be read.");

    private static string Escaped(string path) => string.Join('/', path.Split('/').Select(Uri.EscapeDataString));

    /// <summary>RFC 8288: <c>&lt;address&gt;; rel="next"</c>. Never somebody else's address.</summary>
    private static Uri? Next(SmallAnswer answer, Uri page)
    {
        var link = answer.Headers.TryGetValues("Link", out var links) ? links.FirstOrDefault(l => l.Contains("rel=\"next\"", StringComparison.Ordinal)) : null;
        return link?.Split('<', '>') is [_, var target, ..] && Uri.TryCreate(page, target, out var next) && next.Authority == page.Authority && next.Scheme == page.Scheme ? next : null;
    }
}

/// <summary>An entry of <c>/api/models/{repository}/tree/{revision}</c>, as huggingface_hub reads it.</summary>
internal sealed record TreeEntry(string? Type, string? Path, long Size, TreeEntry.LargeFile? Lfs)
{
    /// <summary>A file that Git keeps elsewhere; its id is a SHA-256.</summary>
    public sealed record LargeFile(string? Oid, long Size);
}

/// <summary>A manifest of Ollama's registry, which speaks the Docker Registry HTTP API V2.</summary>
internal sealed record Manifest(Manifest.Layer[]? Layers)
{
    public sealed record Layer(string? MediaType, string? Digest, long Size);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(TreeEntry[]))]
[JsonSerializable(typeof(Manifest))]
internal sealed partial class FinderJson : JsonSerializerContext;
