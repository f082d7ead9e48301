using System.Diagnostics;

namespace LlmPlatform.Host.EmbeddedPostgres;

/// <summary>One run of the server, from the start of its process to its end.</summary>
internal sealed class ServerProcess
{
    private static readonly TimeSpan patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan patienceForRecovery = TimeSpan.FromHours(1);

    private readonly Places places;
    private readonly ILogger logger;
    private readonly Process process;
    private readonly int pid;

    private ServerProcess(Places places, ILogger logger, Process process, int pid) =>
        (this.places, this.logger, this.process, this.pid) = (places, logger, process, pid);

    /// <summary>Completes with the exit code when the server has ended.</summary>
    public required Task<int> Ended { get; init; }

    public static async Task<ServerProcess> StartAsync(Places places, ILogger logger, TimeProvider time, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        var log = new ServerLog(logger) { Recovering = () => TryExtend(limit) };

        var process = Process.Start(places.Launcher.Describe(Tool(places), Arguments(places)))!;
        process.StandardInput.Close();
        var reading = Task.WhenAll(log.ReadAsync(process.StandardError), log.ReadAsync(process.StandardOutput));
        var ended = WaitAsync(process);
        try
        {
            await Task.WhenAny(log.Ready, ended).WaitAsync(either.Token);
            if (log.Ready.IsCompletedSuccessfully)
            {
                return new ServerProcess(places, logger, process, PostgresProcesses.ReadServerPid(places) ?? process.Id) { Ended = ended };
            }

            await Task.WhenAny(reading, Task.Delay(TimeSpan.FromSeconds(1), time, cancellation));
            throw new PostgresStartException($"PostgreSQL did not start in {places.Data} (exit code {await ended}).", log.LastLines);
        }
        catch (OperationCanceledException)
        {
            await PostgresProcesses.StopAsync(places, PostgresProcesses.ReadServerPid(places) ?? process.Id, logger, CancellationToken.None);
            cancellation.ThrowIfCancellationRequested();
            throw new PostgresStartException($"PostgreSQL in {places.Data} was not ready in time.", log.LastLines);
        }
    }

    public async Task StopAsync(CancellationToken cancellation)
    {
        await PostgresProcesses.StopAsync(places, pid, logger, cancellation);
        await Ended.WaitAsync(cancellation);
    }

    // A session of its own keeps the terminal's Ctrl+C away, so that the host ends its work before its database goes.
    private static string Tool(Places places) => Launcher.FindTool("setsid") ?? places.Program("postgres");

    private static IEnumerable<string> Arguments(Places places)
    {
        if (Tool(places) != places.Program("postgres"))
        {
            yield return places.Program("postgres");
        }

        yield return "-D";
        yield return places.Data;

        // What follows is ours and not the operator's: no way in but the socket, a log that we can read, and no user's words in it.
        string[] settings =
        [
            "listen_addresses=", $"unix_socket_directories={Quote(places.SocketFolder)}", "unix_socket_permissions=0700", "port=5432",
            "lc_messages=C", "log_destination=stderr", "logging_collector=off", "log_line_prefix=[%p] ", "log_checkpoints=off",
            "log_error_verbosity=terse", "log_min_error_statement=panic", "log_statement=none", "log_min_duration_statement=-1",
            "log_parameter_max_length_on_error=0",
        ];
        foreach (var setting in settings)
        {
            yield return "-c";
            yield return setting;
        }
    }

    // The server reads a list here, in which a comma or a space would begin the next folder.
    private static string Quote(string folder) => $"\"{folder.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static async Task<int> WaitAsync(Process process)
    {
        await process.WaitForExitAsync(CancellationToken.None);
        return process.ExitCode;
    }

    private static void TryExtend(CancellationTokenSource limit)
    {
        try
        {
            limit.CancelAfter(patienceForRecovery);
        }
        catch (ObjectDisposedException)
        {
            // The start is over; a later recovery, after a worker's crash, has no limit.
        }
    }
}
