using System.Runtime.InteropServices;

namespace LlmPlatform.Inference.Engine.Llama;

/// <summary>What a worker gives up at start, so that its host stays quick and its memory stays private.</summary>
internal static partial class ProcessLimits
{
    private const int PriorityOfProcess = 0;
    private const int CoreFileSize = 4;
    private const int Dumpable = 4;
    private const int Nice = 10;
    // Of a host and its workers the kernel should end a worker first: the host starts it again.
    private const string OutOfMemoryScore = "800";

    /// <summary>Best effort: a sandbox may refuse any of these, and none is worth refusing to serve.</summary>
    internal static void Apply()
    {
        try
        {
            File.WriteAllText("/proc/self/oom_score_adj", OutOfMemoryScore);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
        }

        // On Linux a priority belongs to a thread. New threads inherit it; the runtime's own are already there.
        foreach (var task in Directory.EnumerateDirectories("/proc/self/task"))
        {
            if (int.TryParse(Path.GetFileName(task), out var thread))
            {
                _ = setpriority(PriorityOfProcess, thread, Nice);
            }
        }

        // A core would hold prompts.
        var none = default(ResourceLimit);
        _ = setrlimit(CoreFileSize, in none);
        _ = prctl(Dumpable, 0, 0, 0, 0);
    }

    /// <summary>Ends the process without running anything: native threads may hang, and static destructors under them would crash.</summary>
    internal static void ExitNow(int code) => _exit(code);

    [LibraryImport("libc")]
    private static partial int setpriority(int which, int who, int value);

    [LibraryImport("libc")]
    private static partial int setrlimit(int resource, in ResourceLimit limit);

    [LibraryImport("libc")]
    private static partial int prctl(int option, nuint value, nuint third, nuint fourth, nuint fifth);

    [LibraryImport("libc")]
    private static partial void _exit(int code);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct ResourceLimit
    {
        public readonly nuint Current;
        public readonly nuint Maximum;
    }
}
