using System.Globalization;

namespace LlmPlatform.Inference.Workers;

/// <summary>
/// What a new process may take without pushing anything out: what the machine has left, or the control group of a container where that is less.
/// </summary>
/// <param name="root">Where <c>proc</c> and <c>sys</c> are.</param>
internal sealed class AvailableMemory(string root = "/")
{
    public long Read() => Math.Max(0, Least(Machine(), "memory.current", "memory.usage_in_bytes"));

    /// <summary>What a process could have if it were alone.</summary>
    public long Total() => Least(Field("proc/meminfo", "MemTotal:") * 1024 ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, null, null);

    private long Least(long least, string? used2, string? used1)
    {
        foreach (var line in Lines("proc/self/cgroup"))
        {
            // hierarchy:controllers:path, where version 2 has neither number nor controllers.
            if (line.Split(':', 3) is [var hierarchy, var controllers, var path])
            {
                least = hierarchy == "0" && controllers.Length == 0 ? Math.Min(least, Groups("sys/fs/cgroup", path, group => Left(group, "memory.max", used2, "inactive_file")))
                    : controllers.Split(',').Contains("memory") ? Math.Min(least, Groups("sys/fs/cgroup/memory", path, group => Left(group, "memory.limit_in_bytes", used1, "total_inactive_file")))
                    : least;
            }
        }

        return least;
    }

    private long Machine() => Field("proc/meminfo", "MemAvailable:") is { } kibibytes
        ? kibibytes * 1024
        : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes; // no Linux

    /// <summary>A group's limit holds for all below it, so the tightest on the way up counts. Inside a container the way is cut short, and its top is ours.</summary>
    private static long Groups(string mount, string path, Func<string, long> left)
    {
        var least = long.MaxValue;
        for (var rest = path.Trim('/'); ; rest = rest[..Math.Max(0, rest.LastIndexOf('/'))])
        {
            least = Math.Min(least, left($"{mount}/{rest}".TrimEnd('/')));
            if (rest.Length == 0)
            {
                return least;
            }
        }
    }

    private long Left(string group, string limit, string? used, string cache) =>
        Number($"{group}/{limit}") is not { } most ? long.MaxValue // no limit, or "max"
            : used is null ? most
            : Number($"{group}/{used}") is { } now ? most - now + (Field($"{group}/memory.stat", cache) ?? 0) // a cache of files that nobody read lately makes room
            : long.MaxValue;

    private long? Number(string file) =>
        Lines(file) is [var text, ..] && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private long? Field(string file, string name)
    {
        foreach (var line in Lines(file))
        {
            if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var key, var text, ..] && key == name
                && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                return number;
            }
        }

        return null;
    }

    private string[] Lines(string file)
    {
        try
        {
            return File.ReadAllLines(Path.Combine(root, file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
