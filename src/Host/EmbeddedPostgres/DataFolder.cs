using System.Globalization;

namespace LlmPlatform.Host.EmbeddedPostgres;

/// <summary>The data folder, held by one host at a time. The lock is the kernel's, so it ends with the process however that dies.</summary>
internal sealed class DataFolder : IDisposable
{
    private readonly FileStream held;

    private DataFolder(string path, FileStream held) => (Path, this.held) = (path, held);

    public string Path { get; }

    public static DataFolder Open(string path, TimeProvider time)
    {
        var folder = System.IO.Path.GetFullPath(path);
        UnixFiles.CreateFolder(folder, Environment.IsPrivilegedProcess ? UnixFiles.OwnerAndPassage : UnixFiles.Owner);
        var file = System.IO.Path.Combine(folder, "host.lock");
        FileStream held;
        try
        {
            held = new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException refused) when (refused.GetType() == typeof(IOException) && ReadHolder(file) is { } holder)
        {
            throw new DataFolderInUseException($"Another LlmPlatform host ({holder}) uses the data folder {folder}.");
        }

        held.SetLength(0);
        using (var writer = new StreamWriter(held, leaveOpen: true))
        {
            writer.Write(string.Create(CultureInfo.InvariantCulture, $"pid {Environment.ProcessId}, since {time.GetUtcNow():yyyy-MM-dd HH:mm:ss} UTC"));
        }

        return new DataFolder(folder, held);
    }

    public void Dispose() => held.Dispose();

    // Sharing everything asks for no lock, so a host that was refused may read who holds it.
    private static string? ReadHolder(string file)
    {
        try
        {
            using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
            return reader.ReadToEnd() is { Length: > 0 } holder ? holder : "just starting";
        }
        catch (IOException)
        {
            return null;
        }
    }
}
