namespace LlmPlatform.ModuleTests.Support;

internal static class TemporaryFolder
{
    private const UnixFileMode Passable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>A new folder through which PostgreSQL's own user may pass, so that a host started by root keeps its database here and nowhere else.</summary>
    public static DirectoryInfo Create(string prefix)
    {
        var folder = Directory.CreateTempSubdirectory(prefix);
        folder.UnixFileMode = Passable;
        return folder;
    }
}
