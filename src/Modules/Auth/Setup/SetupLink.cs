using Microsoft.Extensions.Configuration;

namespace LlmPlatform.Auth.Setup;

/// <summary>The link that lets its reader become the first administrator, in a file that only the platform's own user can read.</summary>
public sealed class SetupLink(IConfiguration configuration, PublicAddress address)
{
    private string File => Path.Combine(configuration["Data:Path"] ?? "data", "setup-link");

    /// <summary>The token of the link that is there, or null.</summary>
    public string? ReadToken()
    {
        try
        {
            var link = System.IO.File.ReadAllText(File).Trim();
            return link.LastIndexOf("token=", StringComparison.Ordinal) is >= 0 and var start ? link[(start + "token=".Length)..] : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    public string Write(string token)
    {
        var link = address.Of($"/setup?token={token}");
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(File))!);

        // A file that is there keeps its mode when it is opened, so an old one goes first.
        Remove();
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var writer = new StreamWriter(File, options);
        writer.WriteLine(link);
        return link;
    }

    public void Remove() => System.IO.File.Delete(File);
}
