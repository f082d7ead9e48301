namespace LlmPlatform.Measuring;

/// <summary>A process and all that it started, read from /proc.</summary>
internal static class ProcessTree
{
    private const int ParentField = 1; // of those behind the name
    private const int UserTimeField = 11;
    private const int SystemTimeField = 12;

    public static IReadOnlyList<int> Of(int root)
    {
        var parents = Directory.EnumerateDirectories("/proc")
            .Select(d => int.TryParse(Path.GetFileName(d), out var id) ? id : 0)
            .Where(id => id > 0)
            .Select(id => (Id: id, Stat: StatOf(id)))
            .Where(p => p.Stat.Length > 0)
            .ToDictionary(p => p.Id, p => int.Parse(p.Stat[ParentField]));
        bool IsIn(int id) => id == root || (parents.TryGetValue(id, out var parent) && parent != 0 && IsIn(parent));
        return [.. parents.Keys.Where(IsIn)];
    }

    /// <summary>The processor time of one process so far, in the kernel's ticks.</summary>
    public static long TicksOf(int id) => StatOf(id) is { Length: > 0 } stat ? long.Parse(stat[UserTimeField]) + long.Parse(stat[SystemTimeField]) : 0;

    public static string ReadOrEmpty(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // it ended meanwhile
        }
    }

    private static string[] StatOf(int id)
    {
        var stat = ReadOrEmpty($"/proc/{id}/stat");
        return stat.Length > 0 ? stat[(stat.LastIndexOf(')') + 2)..].Split(' ') : [];
    }
}
