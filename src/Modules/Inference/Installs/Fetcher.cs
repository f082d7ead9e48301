using System.Buffers;
using System.Net.Http.Headers;
using LlmPlatform.Inference.Models;
using LlmPlatform.SharedKernel;
using LlmPlatform.SharedKernel.Outside;

namespace LlmPlatform.Inference.Installs;

/// <summary>Brings the bytes of a file in, from where they ended last time, until all are here.</summary>
internal sealed class Fetcher(GuardedHttp http, InstallSources sources, ModelFiles files, InstallOptions options, TimeProvider time)
{
    private const int BufferBytes = 1 << 20;
    private const int SlowestBytesPerSecond = 1024;
    private const string StalledCode = "download.stalled";
    public const int NoSpace = 28; // ENOSPC, as .NET reports it on Unix

    private readonly SemaphoreSlim reserving = new(1, 1); // who asks second sees what the first one took

    /// <summary>Brings all of it, trying again while that helps; gives the digest.</summary>
    /// <exception cref="InstallException">It cannot be had.</exception>
    public async Task<string> FetchAsync(FileLocation location, PartialFile partial, Progress progress, CancellationToken cancellation)
    {
        var header = new HeaderWatch(partial);
        progress.TotalBytes = location.SizeBytes ?? partial.Journal.TotalBytes;
        progress.StartAt(partial.Position);
        await TryAgainAsync(() => OnceAsync(location, partial, header, progress, cancellation), () => partial.Position, progress, cancellation);
        return partial.Complete();
    }

    /// <summary>Does something until it succeeds, or fails for good, or does not get on.</summary>
    public async Task TryAgainAsync(Func<Task> work, Func<long> position, Progress progress, CancellationToken cancellation)
    {
        for (var failures = 0; ;)
        {
            var before = position();
            try
            {
                await work();
                return;
            }
            catch (InstallException failure) when (failure.IsTransient && (failures = GotOn(failure, before) ? 1 : failures + 1) <= options.DownloadRetries)
            {
                progress.Phase = "waiting";
                var wait = options.DownloadRetryDelay * Math.Pow(2, failures - 1);
                await Task.Delay(failure.RetryAfter > wait ? failure.RetryAfter.Value : wait, time, cancellation);
            }
        }

        // A trickle brings something each time, and would never end.
        bool GotOn(InstallException failure, long before) => failure.Code != StalledCode && position() > before;
    }

    private async Task OnceAsync(FileLocation location, PartialFile partial, HeaderWatch header, Progress progress, CancellationToken cancellation)
    {
        try
        {
            progress.Phase = "downloading";
            if (new Uri(location.Address!) is { IsFile: true } path)
            {
                await CopyAsync(path.LocalPath, partial, header, progress, cancellation);
            }
            else
            {
                await DownloadAsync(location, partial, header, progress, cancellation);
            }
        }
        catch (OutsideException failure)
        {
            throw InstallException.From(failure);
        }
        catch (HttpIOException)
        {
            throw new InstallException("download.size", "The source ended the file early, or announced another size than it sent.") { IsTransient = true, CanResume = true };
        }
        catch (IOException full) when (full.HResult == NoSpace)
        {
            throw NotEnoughSpace();
        }
        catch (IOException broken) when (broken is not FileNotFoundException and not DirectoryNotFoundException)
        {
            throw new InstallException("download.broken", "The connection broke off.") { IsTransient = true, CanResume = true };
        }
    }

    private async Task CopyAsync(string path, PartialFile partial, HeaderWatch header, Progress progress, CancellationToken cancellation)
    {
        await using var source = OpenFile(path);
        var version = $"{source.Length}-{File.GetLastWriteTimeUtc(path).Ticks}";
        if (partial.Position == 0 || partial.Journal.Version != version)
        {
            await BeginAsync(partial, source.Length, version, progress, cancellation);
        }

        source.Position = partial.Position;
        await PumpAsync(source, partial, header, source.Length, progress, cancellation);
    }

    private FileStream OpenFile(string path)
    {
        try
        {
            return new FileStream(sources.ResolveFile(path), FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.Asynchronous | FileOptions.SequentialScan);
        }
        catch (Refusal refusal)
        {
            throw InstallException.From(refusal);
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

    private async Task DownloadAsync(FileLocation location, PartialFile partial, HeaderWatch header, Progress progress, CancellationToken cancellation)
    {
        var address = new Uri(location.Address!);
        if (partial.Position > 0 && partial.Position == partial.Journal.TotalBytes)
        {
            return; // only the end was not noted any more
        }

        var isRest = partial.Position > 0;
        using var answer = await http.SendAsync(
            new OutsideRequest(address)
            {
                BearerToken = sources.TokenFor(address),
                Range = isRest ? new RangeItemHeaderValue(partial.Position, null) : null,
                IfRange = partial.Journal.Version is { } known && EntityTagHeaderValue.TryParse(known, out var tag) ? tag : null,
            },
            cancellation);
        var version = answer.Headers.ETag is { IsWeak: false } strong ? strong.ToString() : null;
        if (isRest && (int)answer.StatusCode == 206)
        {
            CheckRest(answer.Content.Headers.ContentRange, version, partial);
        }
        else if ((int)answer.StatusCode == 200)
        {
            var total = answer.Content.Headers.ContentLength;
            if (isRest && (IsOther(version, partial.Journal.Version) || IsOther(total, partial.Journal.TotalBytes)))
            {
                throw Changed();
            }

            if (IsOther(total, location.SizeBytes))
            {
                throw new InstallException("download.size", $"The source announces {total} bytes; the file has {location.SizeBytes}.");
            }

            await BeginAsync(partial, total ?? location.SizeBytes, version, progress, cancellation); // also where a server gives no ranges
        }
        else
        {
            throw Status(answer);
        }

        await using var body = await answer.Content.ReadAsStreamAsync(cancellation);
        await PumpAsync(body, partial, header, partial.Journal.TotalBytes, progress, cancellation);
    }

    private static void CheckRest(ContentRangeHeaderValue? range, string? version, PartialFile partial)
    {
        if (IsOther(version, partial.Journal.Version) || IsOther(range?.Length, partial.Journal.TotalBytes))
        {
            throw Changed();
        }

        if (range?.From != partial.Position)
        {
            throw new InstallException("download.range", "The source sent another part of the file than it was asked for.");
        }
    }

    private static bool IsOther<T>(T? now, T? before) => now is not null && before is not null && !now.Equals(before);

    private async Task BeginAsync(PartialFile partial, long? total, string? version, Progress progress, CancellationToken cancellation)
    {
        progress.TotalBytes = total;
        progress.StartAt(0);
        await reserving.WaitAsync(cancellation);
        try
        {
            partial.Begin(0, null); // what it held is room
            if (total > files.RoomBytes())
            {
                throw NotEnoughSpace();
            }

            partial.Begin(total, version);
        }
        finally
        {
            reserving.Release();
        }
    }

    private async Task PumpAsync(Stream source, PartialFile partial, HeaderWatch header, long? total, Progress progress, CancellationToken cancellation)
    {
        var room = total is null ? files.RoomBytes() : long.MaxValue;
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        var (since, sinceBytes) = (time.GetTimestamp(), partial.Position);
        try
        {
            while (await ReadAsync(source, buffer, cancellation) is > 0 and var read)
            {
                if (partial.Position + read > (total ?? EndOf(header)))
                {
                    throw new InstallException("download.size", "The source sent more than the file can hold.");
                }

                if ((room -= read) < 0)
                {
                    throw NotEnoughSpace();
                }

                await partial.WriteAsync(buffer.AsMemory(0, read), cancellation);
                progress.Add(read);
                header.Look(total);
                progress.TotalBytes ??= header.EndsAt;
                if (time.GetElapsedTime(since) >= options.DownloadSilence)
                {
                    if (partial.Position - sinceBytes < SlowestBytesPerSecond * time.GetElapsedTime(since).TotalSeconds)
                    {
                        throw Stalled();
                    }

                    (since, sinceBytes) = (time.GetTimestamp(), partial.Position);
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        if (total is { } size && size != partial.Position)
        {
            throw new InstallException("download.size", "The source ended the file early.") { IsTransient = true, CanResume = true };
        }
    }

    /// <summary>Of a source that does not say how much it has; its header, when it is here, does.</summary>
    private static long EndOf(HeaderWatch header) => header.EndsAt + LargestPadding ?? MostHeaderBytes;

    private async Task<int> ReadAsync(Stream source, byte[] buffer, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(options.DownloadSilence, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            return await source.ReadAsync(buffer, either.Token);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw Stalled();
        }
    }

    private InstallException Stalled() =>
        new(StalledCode, $"The source sent less than {SlowestBytesPerSecond} bytes a second for {options.DownloadSilence.TotalSeconds:0} seconds.") { IsTransient = true, CanResume = true };

    private static InstallException Changed() => new("download.changed", "The file at the source is another one than when its download began.");

    private InstallException Status(HttpResponseMessage answer) => (int)answer.StatusCode switch
    {
        404 or 410 => new("download.not_found", "There is no file at this address."),
        401 or 403 => new("download.forbidden", "The source does not give this file to the platform; a gated model of the hub needs the setting Hub:Token."),
        416 => new("download.changed", "The file at the source is shorter than when its download began."),
        var status when status is 429 or >= 500 => new("download.status", $"The source answered with status {status}.")
        {
            IsTransient = true,
            CanResume = true,
            RetryAfter = answer.Headers.RetryAfter is { } after ? Shorter(after.Delta ?? after.Date - time.GetUtcNow()) : null,
        },
        var status => new("download.status", $"The source answered with status {status}."),
    };

    private TimeSpan? Shorter(TimeSpan? asked) => asked < options.DownloadSilence ? asked : options.DownloadSilence;

    private InstallException NotEnoughSpace() =>
        new("disk.insufficient", $"The file does not fit: {files.Reserve >> 20} MiB have to stay free where models lie.");

    // Of a file without a stated size. Headers are not larger, see GgufReader; a file ends at its last tensor, or is filled up to the alignment.
    private const long MostHeaderBytes = 128L << 20;
    private const long LargestPadding = 4096;
}
