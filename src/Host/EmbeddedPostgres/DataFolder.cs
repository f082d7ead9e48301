using System.Globalization;

namespace LlmPlatform.Host.EmbeddedPostgres;

/// <summary>The data folder, held by one host at a time. The lock is the kernel's, so it ends with the process however that dies.</summary>
internal sealed class DataFolder : IDisposable
{
    // EAGAIN, which is how the kernel says that somebody else holds a lock.
    private const int TryAgain = 11;

    private readonly FileStream held;

    private DataFolder(string path, FileStream held) => (Path, this.held) = (path, held);

    public string Path { get; }

    public static DataFolder Open(string path, TimeProvider time)
    {
        var folder = System.IO.Path.GetFullPath(path);
        UnixFiles.CreateFolder(folder, Environment.IsPrivilegedProcess ? UnixFiles.OwnerAndPassage : UnixFiles.Owner);
        var holder = System.IO.Path.Combine(folder, "host.pid");
        FileStream held;
        try
        {
            held = new FileStream(System.IO.Path.Combine(folder, "host.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException locked) when (locked.HResult == TryAgain)
        {
            var who = File.Exists(holder) ? File.ReadAllText(holder) : "just starting";
            throw new DataFolderInUseException($"Another LlmPlatform host ({who}) uses the data folder {folder}.");
        }

        // A file of its own: what the kernel locked for one, .NET lets no other process read.
        var since = time.GetUtcNow().ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);
        UnixFiles.WritePrivately(holder, $"pid {Environment.ProcessId}, since {since}");
        return new DataFolder(folder, held);
    }

    public void Dispose()
    {
        File.Delete(System.IO.Path.Combine(Path, "host.pid"));
        held.Dispose();
    }
}
