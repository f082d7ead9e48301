using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace LlmPlatform.Host.EmbeddedPostgres;

/// <summary>Files and folders with the access that a database's neighbours need, and no more.</summary>
internal static class UnixFiles
{
    public const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Others may pass through to a folder of their own, but not look around.</summary>
    public const UnixFileMode OwnerAndPassage = Owner | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    public static void CreateFolder(string path, UnixFileMode mode)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new PlatformNotSupportedException("The embedded PostgreSQL runs on Linux; set ConnectionStrings:Postgres here.");
        }

        Directory.CreateDirectory(path, mode);
    }

    /// <summary>Writes a file that only its owner reads; after a power cut it is there whole or not at all.</summary>
    public static void WritePrivately(string path, string content)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new PlatformNotSupportedException();
        }

        var unfinished = path + ".new";
        File.Delete(unfinished);
        using (var file = new FileStream(unfinished, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            file.Write(Encoding.UTF8.GetBytes(content));
            file.Flush(flushToDisk: true);
        }

        File.Move(unfinished, path, overwrite: true);
    }

    /// <summary>The path without symbolic links, as <c>/proc</c> shows it.</summary>
    public static string RealPath(string path)
    {
        var real = "/";
        foreach (var name in Path.GetFullPath(path).Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var next = Path.Combine(real, name);
            real = new DirectoryInfo(next).LinkTarget is { } target ? RealPath(Path.Combine(real, target)) : next;
        }

        return real;
    }

    /// <summary>A short name for a long path, the same on every start.</summary>
    public static string ShortName(string path) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(path)))[..16];

    public static int OwnUid()
    {
        var line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("Uid:", StringComparison.Ordinal));
        return int.Parse(line.Split('\t')[2], CultureInfo.InvariantCulture);
    }
}
