using System.Buffers;
using System.Security.Cryptography;
using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.Workers;
using LlmPlatform.SharedKernel;
using LlmPlatform.SharedKernel.Outside;

namespace LlmPlatform.Inference.Installs;

/// <summary>A file that was brought in and may stay.</summary>
public sealed record ArrivedFile(string Digest, long SizeBytes, string Architecture, long Parameters, int ContextTokens, bool HasChatTemplate);

/// <summary>Brings a file in under a temporary name and believes nothing of it: hash, header and a first load in a throw-away worker come before its name.</summary>
public sealed class Installer
{
    // The rest of the machine, PostgreSQL first, has to keep writing.
    private const long Reserve = 256L << 20;
    private const int BufferBytes = 1 << 20;
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(60);

    private readonly InstallSources sources;
    private readonly GuardedHttp http;
    private readonly ModelFiles files;
    private readonly EngineProbe probe;
    private readonly TimeProvider time;

    internal Installer(InstallSources sources, GuardedHttp http, ModelFiles files, EngineProbe probe, TimeProvider time) =>
        (this.sources, this.http, this.files, this.probe, this.time) = (sources, http, files, probe, time);

    /// <exception cref="InstallException">It cannot be installed.</exception>
    public async Task<ArrivedFile> BringAsync(Install install, Progress progress, CancellationToken cancellation)
    {
        files.CreateFolders();
        var partial = files.PartialOf(install.Id);
        progress.Phase = "downloading";
        var digest = await FetchAsync(new Uri(install.Source), partial, progress, cancellation);
        if (install.Sha256 is { } expected && digest != $"sha256:{expected}")
        {
            throw new InstallException("model.hash_mismatch", $"The file has the digest {digest}, not the one that was given.");
        }

        progress.Phase = "validating";
        var header = ReadHeader(partial);
        progress.Phase = "probing";
        var result = await probe.RunAsync(partial, cancellation);
        if (!result.Ok)
        {
            throw new InstallException(result.Code ?? "model.load_failed", result.Message ?? "The engine cannot load this file.");
        }

        progress.Phase = "finishing";
        return new ArrivedFile(digest, new FileInfo(partial).Length, header.Architecture, result.Parameters, result.TrainedContextTokens, result.HasChatTemplate);
    }

    /// <summary>Gives a verified file its final name; a file of the same digest that is there already is as good.</summary>
    public static void Keep(string partial, string final)
    {
        if (File.Exists(final))
        {
            File.Delete(partial);
        }
        else
        {
            File.Move(partial, final);
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

    private async Task<string> FetchAsync(Uri source, string partial, Progress progress, CancellationToken cancellation)
    {
        try
        {
            if (source.IsFile)
            {
                await using var file = OpenFile(source.LocalPath);
                return await StoreAsync(file, file.Length, partial, progress, cancellation);
            }

            using var answer = await http.SendAsync(new OutsideRequest(source), cancellation);
            if (!answer.IsSuccessStatusCode)
            {
                throw (int)answer.StatusCode is 404 or 410
                    ? new InstallException("download.not_found", "There is no file at this address.")
                    : new InstallException("download.status", $"The source answered with status {(int)answer.StatusCode}.");
            }

            await using var body = await answer.Content.ReadAsStreamAsync(cancellation);
            return await StoreAsync(body, answer.Content.Headers.ContentLength, partial, progress, cancellation);
        }
        catch (OutsideException failure)
        {
            throw new InstallException(failure.Code, failure.Message);
        }
        catch (HttpIOException)
        {
            throw new InstallException("download.size", "The source ended the file early, or announced another size than it sent.");
        }
        catch (IOException full) when (full.HResult == NoSpace)
        {
            throw NotEnoughSpace();
        }
    }

    private FileStream OpenFile(string path)
    {
        try
        {
            return new FileStream(sources.ResolveFile(path), FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.Asynchronous | FileOptions.SequentialScan);
        }
        catch (Refusal refusal)
        {
            throw new InstallException(refusal.Error.Code, refusal.Error.Message);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InstallException("source.not_found", "There is no file at this path.");
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new InstallException("source.unreadable", "The file cannot be read by the platform.");
        }
    }

    private async Task<string> StoreAsync(Stream source, long? announced, string partial, Progress progress, CancellationToken cancellation)
    {
        var room = files.FreeBytes() - Reserve;
        progress.TotalBytes = announced;
        if (announced > room)
        {
            throw NotEnoughSpace();
        }

        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 0, Options = FileOptions.Asynchronous, PreallocationSize = announced ?? 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        await using var target = new FileStream(partial, options);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            while (await ReadAsync(source, buffer, cancellation) is > 0 and var read)
            {
                progress.CompletedBytes += read;
                if (progress.CompletedBytes > room)
                {
                    throw NotEnoughSpace();
                }

                hash.AppendData(buffer, 0, read);
                await target.WriteAsync(buffer.AsMemory(0, read), cancellation);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        if (announced is { } size && size != progress.CompletedBytes)
        {
            throw new InstallException("download.size", "The source sent another number of bytes than it announced.");
        }

        target.Flush(flushToDisk: true);
        return $"sha256:{Convert.ToHexStringLower(hash.GetCurrentHash())}";
    }

    private async Task<int> ReadAsync(Stream source, byte[] buffer, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(Silence, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            return await source.ReadAsync(buffer, either.Token);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new InstallException("download.stalled", $"The source sent nothing for {Silence.TotalSeconds:0} seconds.");
        }
    }

    private static InstallException NotEnoughSpace() =>
        new("disk.insufficient", $"The file does not fit: {Reserve >> 20} MiB have to stay free where models lie.");

    // ENOSPC, as .NET reports it on Unix.
    private const int NoSpace = 28;
}
