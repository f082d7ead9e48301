using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.Workers;

namespace LlmPlatform.Inference.Installs;

/// <summary>Brings a file in under a temporary name and believes nothing of it: hash, header and a first load in a throw-away worker come before its name.</summary>
public sealed class Installer
{
    private readonly Fetcher fetcher;
    private readonly FileFinder finder;
    private readonly ModelFiles files;
    private readonly EngineProbe probe;
    private readonly InstallOptions options;
    private readonly SemaphoreSlim probing = new(1, 1); // each loads a whole model

    internal Installer(Fetcher fetcher, FileFinder finder, ModelFiles files, EngineProbe probe, InstallOptions options) =>
        (this.fetcher, this.finder, this.files, this.probe, this.options) = (fetcher, finder, files, probe, options);

    /// <exception cref="InstallException">The file cannot be found.</exception>
    internal async Task<FileLocation> FindAsync(Install install, Progress progress, CancellationToken cancellation)
    {
        FileLocation? found = null;
        await fetcher.TryAgainAsync(
            async () =>
            {
                progress.Phase = "locating";
                found = await finder.FindAsync(install.Source, install.Sha256, cancellation);
            },
            () => 0,
            progress,
            cancellation);
        return found!;
    }

    /// <exception cref="InstallException">It cannot be installed.</exception>
    internal async Task<ArrivedFile> BringAsync(FileLocation location, Progress progress, CancellationToken cancellation)
    {
        var journal = PartialFile.ReadJournal(files, location.Key);
        if (journal.Arrived is { } before && (ModelFiles.IsWhole(files.PartialOf(location.Key), before.SizeBytes) || ModelFiles.IsWhole(files.PathOf(before.Digest), before.SizeBytes)))
        {
            return before; // the host ended between the last look and the commit
        }

        await using var partial = await PartialFile.OpenAsync(files, location.Key, options.DownloadChunkBytes, cancellation);
        var digest = location.Address is null ? partial.Complete() : await fetcher.FetchAsync(location, partial, progress, cancellation);
        if (location.Digest is { } expected && digest != expected)
        {
            throw new InstallException("model.hash_mismatch", $"The file has the digest {digest}, not {expected} as was expected.");
        }

        progress.Phase = "validating";
        var header = ReadHeader(partial.Path);
        progress.Phase = "probing";
        var result = await ProbeAsync(partial.Path, cancellation);
        progress.Phase = "finishing";
        var arrived = new ArrivedFile(digest, partial.Position, header.Architecture, result.Parameters, result.TrainedContextTokens, result.HasChatTemplate)
        {
            Licence = header.Licence,
            Quantisation = GgufFileType.NameOf(header.FileType),
            IsEmbedder = !result.GeneratesText,
        };
        partial.Remember(arrived);
        return arrived;
    }

    private async Task<ProbeResult> ProbeAsync(string path, CancellationToken cancellation)
    {
        await probing.WaitAsync(cancellation);
        try
        {
            var result = await probe.RunAsync(path, cancellation);
            return result.Ok ? result : throw new InstallException(result.Code ?? "model.load_failed", result.Message ?? "The engine cannot load this file.");
        }
        finally
        {
            probing.Release();
        }
    }

    private static GgufFile ReadHeader(string path)
    {
        try
        {
            return GgufFile.Read(path);
        }
        catch (GgufException refused)
        {
            throw new InstallException(refused.Code, refused.Message);
        }
    }
}
