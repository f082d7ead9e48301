using System.Runtime.InteropServices;

namespace LlmPlatform.Inference.Engine.Llama;

/// <summary>What a worker gives up at start, so that its host stays quick and its memory stays private.</summary>
internal static partial class ProcessLimits
{
    private const int PriorityOfProcess = 0;
    private const uint Batch = 3; // SCHED_BATCH
    // Nanoseconds. Longer than the kernel's own (at most 2.8 ms), but not by much: of two of these threads on one core one spins for the other.
    private const ulong Slice = 4_000_000;
    private const int CoreFileSize = 4;
    private const int Dumpable = 4;
    private const int Nice = 5;
    // Of a host and its workers the kernel should end a worker first: the host starts it again.
    private const string OutOfMemoryScore = "800";

    // The C library has no function for it; these are the kernel's numbers of the call.
    private static long? SetSchedulingCall => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 314,
        Architecture.Arm64 => 274,
        _ => null,
    };

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

        // A core would hold prompts.
        var none = default(ResourceLimit);
        _ = setrlimit(CoreFileSize, in none);
        _ = prctl(Dumpable, 0, 0, 0, 0);
    }

    /// <summary>
    /// The calling thread, and those that it starts from now on, compute: whoever has something short to do goes first. The kernel lets a thread
    /// that wakes interrupt one with a longer slice at once (Linux 6.12, <c>sched_setattr</c>); otherwise every hand-over of a token would wait
    /// for a slice to end.
    /// </summary>
    internal static void ComputeHere()
    {
        var scheduling = new Scheduling { Size = (uint)Marshal.SizeOf<Scheduling>(), Policy = Batch, Nice = Nice, Runtime = Slice };
        if (SetSchedulingCall is not { } call || syscall(call, 0, in scheduling, 0) != 0)
        {
            _ = setpriority(PriorityOfProcess, 0, Nice); // on Linux a priority belongs to a thread
        }
    }

    /// <summary>Ends the process without running anything: native threads may hang, and static destructors under them would crash.</summary>
    internal static void ExitNow(int code) => _exit(code);

    [LibraryImport("libc")]
    private static partial int setpriority(int which, int who, int value);

    [LibraryImport("libc")]
    private static partial long syscall(long number, long thread, in Scheduling scheduling, ulong flags);

    [LibraryImport("libc")]
    private static partial int setrlimit(int resource, in ResourceLimit limit);

    [LibraryImport("libc")]
    private static partial int prctl(int option, nuint value, nuint third, nuint fourth, nuint fifth);

    [LibraryImport("libc")]
    private static partial void _exit(int code);

    /// <summary>Linux's <c>struct sched_attr</c>, first version.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Scheduling
    {
        public uint Size;
        public uint Policy;
        public ulong Flags;
        public int Nice;
        public uint Priority;
        public ulong Runtime;
        public ulong Deadline;
        public ulong Period;
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct ResourceLimit
    {
        public readonly nuint Current;
        public readonly nuint Maximum;
    }
}
