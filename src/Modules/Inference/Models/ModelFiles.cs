using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Configuration;

namespace LlmPlatform.Inference.Models;

/// <summary>Where model files lie: finished ones under their digest, unfinished ones under a hash of what is wanted.</summary>
public sealed class ModelFiles(IConfiguration configuration)
{
    /// <summary>Bytes that stay free, because the rest of the machine, PostgreSQL first, has to keep writing.</summary>
    public long Reserve { get; } = configuration.GetValue("Inference:DiskReserveBytes", 256L << 20);

    private string Root => configuration["Inference:ModelsPath"] ?? Path.Combine(configuration["Data:Path"]!, "models");

    private string Blobs => Path.Combine(Root, "blobs");

    private string Partials => Path.Combine(Root, "tmp");

    /// <summary>The file of a digest (<c>sha256:…</c>), whether it is there or not.</summary>
    public string PathOf(string digest) => Path.Combine(Blobs, digest.Replace(':', '-'));

    /// <summary>The unfinished file that installs with this key want.</summary>
    public string PartialOf(string key) => Path.Combine(Partials, $"{Short(key)}.partial");

    /// <summary>What is known of an unfinished file.</summary>
    public string JournalOf(string key) => Path.Combine(Partials, $"{Short(key)}.json");

    /// <summary>Everything that lies among the unfinished files.</summary>
    public IReadOnlyList<string> Unfinished() => Directory.Exists(Partials) ? Directory.GetFiles(Partials) : [];

    /// <summary>The digests of all finished files.</summary>
    public IReadOnlyList<string> Digests() => Directory.Exists(Blobs) ? [.. Directory.GetFiles(Blobs).Select(file => Path.GetFileName(file).Replace('-', ':'))] : [];

    /// <summary>Gives a whole file its final name, for good: after a power cut it is there too.</summary>
    public async Task KeepAsync(string key, string digest, CancellationToken cancellation)
    {
        File.Move(PartialOf(key), PathOf(digest), overwrite: true);

        try
        {
            // .NET opens no folders, and only a folder's own fsync makes a rename last.
            using var sync = Process.Start("sync", [Blobs]);
            await sync.WaitForExitAsync(cancellation);
        }
        catch (Win32Exception)
        {
            // No such command here; the reconciler finds out should the file be lost.
        }
    }

    /// <summary>Whether a file is there in full length. Its content is not looked at.</summary>
    public static bool IsWhole(string path, long sizeBytes) => new FileInfo(path) is { Exists: true } file && file.Length == sizeBytes;

    /// <summary>Bytes that models may still take where they lie.</summary>
    public long RoomBytes()
    {
        CreateFolders();
        return new DriveInfo(Path.GetFullPath(Root)).AvailableFreeSpace - Reserve;
    }

    private static string Short(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..32];

    public void CreateFolders()
    {
        Directory.CreateDirectory(Blobs);
        Directory.CreateDirectory(Partials);
    }
}
