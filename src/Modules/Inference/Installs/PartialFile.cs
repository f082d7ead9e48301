using System.Security.Cryptography;
using System.Text.Json;
using LlmPlatform.Inference.Models;

namespace LlmPlatform.Inference.Installs;

/// <summary>A file that was brought in and may stay.</summary>
public sealed record ArrivedFile(string Digest, long SizeBytes, string Architecture, long Parameters, int ContextTokens, bool HasChatTemplate)
{
    public string? Licence { get; init; }

    public string? Quantisation { get; init; }

    public bool IsEmbedder { get; init; }
}

/// <summary>What is known of a file on its way in, kept beside it.</summary>
/// <param name="Key">Whose file it is.</param>
/// <param name="SyncedBytes">So many bytes from the start on are on the disk, whatever happens.</param>
internal sealed record PartialJournal(string Key, long SyncedBytes = 0)
{
    /// <summary>What the source said it has.</summary>
    public long? TotalBytes { get; init; }

    /// <summary>The source's word for the version that was begun.</summary>
    public string? Version { get; init; }

    /// <summary>What the whole file is; null until it was looked at.</summary>
    public ArrivedFile? Arrived { get; init; }
}

/// <summary>
/// A file on its way in. Its bytes are hashed while they are written, and its journal says after each chunk how much is safe: whoever opens it
/// after a crash goes on there.
/// </summary>
internal sealed class PartialFile : IAsyncDisposable
{
    private const int BufferBytes = 1 << 20;
    private readonly string path;
    private readonly string journalPath;
    private readonly int chunk;
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private FileStream file;

    private PartialFile(string path, string journalPath, int chunk, PartialJournal journal)
    {
        (this.path, this.journalPath, this.chunk, Journal) = (path, journalPath, chunk, journal);
        file = Open(FileMode.OpenOrCreate, 0);
    }

    public PartialJournal Journal { get; private set; }

    /// <summary>Bytes that are there.</summary>
    public long Position { get; private set; }

    public string Path => path;

    /// <summary>What a journal says; an empty one where there is none, or none that can be read.</summary>
    public static PartialJournal ReadJournal(ModelFiles files, string key)
    {
        try
        {
            var journal = JsonSerializer.Deserialize<PartialJournal>(File.ReadAllBytes(files.JournalOf(key)), JsonSerializerOptions.Web);
            return journal is not null && journal.Key == key ? journal : new PartialJournal(key);
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return new PartialJournal(key);
        }
    }

    /// <summary>Opens what is there to add to it, without a hash.</summary>
    public static PartialFile Continue(ModelFiles files, string key, int chunk)
    {
        files.CreateFolders();
        var partial = new PartialFile(files.PartialOf(key), files.JournalOf(key), chunk, ReadJournal(files, key));
        if (partial.file.Length < partial.Journal.SyncedBytes)
        {
            partial.Begin(null, null);
        }

        partial.Position = partial.file.Position = partial.Journal.SyncedBytes;
        return partial;
    }

    /// <summary>Opens what is there and reads it once more, because a hash cannot be kept half done.</summary>
    public static async Task<PartialFile> OpenAsync(ModelFiles files, string key, int chunk, CancellationToken cancellation)
    {
        files.CreateFolders();
        var partial = new PartialFile(files.PartialOf(key), files.JournalOf(key), chunk, ReadJournal(files, key));
        try
        {
            await partial.ReadAgainAsync(cancellation);
            return partial;
        }
        catch
        {
            await partial.file.DisposeAsync();
            partial.hash.Dispose();
            throw;
        }
    }

    public static void Delete(ModelFiles files, string key)
    {
        File.Delete(files.PartialOf(key));
        File.Delete(files.JournalOf(key));
    }

    /// <summary>Throws away what is there and takes the disk space of the whole file, where its size is known.</summary>
    /// <exception cref="IOException">There is no space.</exception>
    public void Begin(long? totalBytes, string? version)
    {
        file.Dispose();
        _ = hash.GetHashAndReset();
        Position = 0;
        WriteJournal(new PartialJournal(Journal.Key) { TotalBytes = totalBytes, Version = version });
        file = Open(FileMode.Create, totalBytes ?? 0);
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        while (bytes.Length > 0)
        {
            var piece = bytes[..(int)Math.Min(bytes.Length, Journal.SyncedBytes + chunk - Position)];
            await file.WriteAsync(piece, cancellation);
            hash.AppendData(piece.Span);
            Position += piece.Length;
            bytes = bytes[piece.Length..];
            if (Position == Journal.SyncedBytes + chunk)
            {
                Sync();
            }
        }
    }

    /// <summary>Makes what is there safe.</summary>
    public void Sync()
    {
        if (Position != Journal.SyncedBytes)
        {
            file.Flush(flushToDisk: true);
            WriteJournal(Journal with { SyncedBytes = Position });
        }
    }

    /// <summary>Ends the file here and gives its digest.</summary>
    public string Complete()
    {
        file.SetLength(Position);
        file.Flush(flushToDisk: true);
        WriteJournal(Journal with { SyncedBytes = Position });
        return $"sha256:{Convert.ToHexStringLower(hash.GetCurrentHash())}";
    }

    public void Remember(ArrivedFile arrived) => WriteJournal(Journal with { Arrived = arrived });

    public async ValueTask DisposeAsync()
    {
        try
        {
            Sync();
        }
        catch (IOException)
        {
            // A full disk; the journal still says what is safe.
        }

        await file.DisposeAsync();
        hash.Dispose();
    }

    private async Task ReadAgainAsync(CancellationToken cancellation)
    {
        if (file.Length < Journal.SyncedBytes)
        {
            WriteJournal(new PartialJournal(Journal.Key)); // somebody else had a hand in it
        }

        var buffer = new byte[BufferBytes];
        while (Position < Journal.SyncedBytes)
        {
            var read = await file.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, Journal.SyncedBytes - Position)), cancellation);
            hash.AppendData(buffer, 0, read);
            Position += read;
        }
    }

    private FileStream Open(FileMode mode, long reserve)
    {
        var options = new FileStreamOptions
        {
            Mode = mode,
            Access = FileAccess.ReadWrite,
            Share = FileShare.Read | FileShare.Delete,
            BufferSize = 0,
            Options = FileOptions.Asynchronous,
            PreallocationSize = reserve,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new FileStream(path, options);
    }

    private void WriteJournal(PartialJournal journal)
    {
        var unfinished = journalPath + ".new";
        using (var stream = new FileStream(unfinished, FileMode.Create, FileAccess.Write))
        {
            JsonSerializer.Serialize(stream, journal, JsonSerializerOptions.Web);
            stream.Flush(flushToDisk: true);
        }

        File.Move(unfinished, journalPath, overwrite: true);
        Journal = journal;
    }
}
