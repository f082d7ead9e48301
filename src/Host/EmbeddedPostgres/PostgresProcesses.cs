using System.Diagnostics;
using System.Globalization;

namespace LlmPlatform.Host.EmbeddedPostgres;

/// <summary>
/// What a host that died left running. A process of PostgreSQL is known by its working folder, never by the number in postmaster.pid:
/// after another boot that number belongs to a stranger.
/// </summary>
internal static partial class PostgresProcesses
{
    public static readonly TimeSpan FastStopLimit = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan ImmediateStopLimit = TimeSpan.FromSeconds(10);

    /// <summary>Ends every server process of the cluster and takes away what a dead one left in the way of the next.</summary>
    public static async Task StopAllAsync(Places places, ILogger logger, CancellationToken cancellation)
    {
        var left = In(places.Data);
        if (ReadServerPid(places) is { } server && left.Contains(server))
        {
            Log.StoppingOrphan(logger, server);
            await StopAsync(places, server, logger, cancellation);
            left = In(places.Data);
        }

        foreach (var pid in left)
        {
            // Workers end by themselves soon after their server; one in a long statement has to be ended.
            if (!await EndsWithinAsync(pid, TimeSpan.FromSeconds(2), cancellation))
            {
                await KillAsync(pid, cancellation);
            }
        }

        File.Delete(Path.Combine(places.Data, "postmaster.pid"));
        File.Delete(Path.Combine(places.SocketFolder, ".s.PGSQL.5432.lock"));
        File.Delete(Path.Combine(places.SocketFolder, ".s.PGSQL.5432"));
    }

    /// <summary>Ends a server with a checkpoint, else without, else by force. None of these loses a commit.</summary>
    public static async Task StopAsync(Places places, int server, ILogger logger, CancellationToken cancellation)
    {
        await SignalAsync(places, "INT", server, cancellation);
        if (await EndsWithinAsync(server, FastStopLimit, cancellation))
        {
            return;
        }

        Log.NotStopping(logger, server, FastStopLimit);
        await SignalAsync(places, "QUIT", server, cancellation);
        if (!await EndsWithinAsync(server, ImmediateStopLimit, cancellation))
        {
            await KillAsync(server, cancellation);
        }
    }

    public static int? ReadServerPid(Places places)
    {
        try
        {
            var first = File.ReadLines(Path.Combine(places.Data, "postmaster.pid")).FirstOrDefault();
            return int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : null;
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>An initdb that outlived its host goes on writing, so it ends before its folder does.</summary>
    public static async Task KillAllAsync(string data, CancellationToken cancellation)
    {
        foreach (var pid in All().Where(pid => Arguments(pid).Contains(data)).Concat(In(data)).Distinct())
        {
            await KillAsync(pid, cancellation);
        }
    }

    private static List<int> In(string data) =>
        All().Where(pid => new DirectoryInfo($"/proc/{pid}/cwd").LinkTarget == data && Name(pid) == "postgres").ToList();

    private static IEnumerable<int> All() =>
        from folder in Directory.EnumerateDirectories("/proc")
        let pid = int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0
        where pid > 0 && pid != Environment.ProcessId
        select pid;

    private static string Name(int pid) => ReadProc(pid, "comm").Trim();

    private static string[] Arguments(int pid) => ReadProc(pid, "cmdline").Split('\0');

    private static string ReadProc(int pid, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/{file}");
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    // .NET has no way to send these signals. Not pg_ctl stop: it trusts postmaster.pid. That the process is gone already is no failure.
    private static async Task SignalAsync(Places places, string signal, int pid, CancellationToken cancellation) =>
        await places.Launcher.RunAsync(places.Program("pg_ctl"), ["kill", signal, $"{pid}"], "", cancellation);

    // Not Process.WaitForExit: a dead child of a dead host stays a zombie until process 1 looks, and counts as running there.
    private static async Task<bool> EndsWithinAsync(int pid, TimeSpan limit, CancellationToken cancellation)
    {
        for (var begun = Stopwatch.GetTimestamp(); IsAlive(pid); await Task.Delay(TimeSpan.FromMilliseconds(10), cancellation))
        {
            if (Stopwatch.GetElapsedTime(begun) > limit)
            {
                return false;
            }
        }

        return true;
    }

    private static async Task KillAsync(int pid, CancellationToken cancellation)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            process.Kill();
        }
        catch (ArgumentException)
        {
            // Gone by itself.
        }

        await EndsWithinAsync(pid, ImmediateStopLimit, cancellation);
    }

    private static bool IsAlive(int pid)
    {
        var state = ReadProc(pid, "stat");
        return state.LastIndexOf(") ", StringComparison.Ordinal) is var end and >= 0 && state[end + 2] is not ('Z' or 'X');
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "A PostgreSQL server (pid {Pid}) of an earlier host still runs; stopping it")]
        public static partial void StoppingOrphan(ILogger logger, int pid);

        [LoggerMessage(Level = LogLevel.Warning, Message =
            "PostgreSQL (pid {Pid}) did not stop within {Limit}; stopping it at once, the next start will recover")]
        public static partial void NotStopping(ILogger logger, int pid, TimeSpan limit);
    }
}
