using System.Diagnostics;
using System.Globalization;

namespace LlmPlatform.Host.EmbeddedPostgres;

/// <summary>An account that is not root; PostgreSQL refuses to run as root.</summary>
internal sealed record ServerUser(string Name, int Uid, int Gid)
{
    public static ServerUser? Find(Func<ServerUser, bool> wanted) =>
        File.ReadLines("/etc/passwd")
            .Select(line => line.Split(':'))
            .Where(fields => fields.Length > 3 && fields[2] != "0")
            .Select(fields => new ServerUser(
                fields[0], int.Parse(fields[2], CultureInfo.InvariantCulture), int.Parse(fields[3], CultureInfo.InvariantCulture)))
            .FirstOrDefault(wanted);
}

/// <summary>
/// Starts programs as the server's user, or as the host's own where no user is given. They get nothing of the host's environment: it holds
/// secrets.
/// </summary>
internal sealed class Launcher(ServerUser? user)
{
    private static readonly string[] toolFolders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"];

    public static Launcher AsHost { get; } = new(user: null);

    public ProcessStartInfo Describe(string program, params IEnumerable<string> arguments)
    {
        string[] line = [.. AsUser(), program, .. arguments];
        var start = new ProcessStartInfo(line[0], line.Skip(1))
        {
            WorkingDirectory = "/",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        start.Environment["PATH"] = string.Join(':', toolFolders);
        start.Environment["LC_ALL"] = "C";
        start.Environment["TZ"] = "UTC";
        return start;
    }

    /// <summary>Runs a program to its end and answers its exit code and all it wrote.</summary>
    public async Task<(int ExitCode, string Output)> RunAsync(
        string program, IEnumerable<string> arguments, string input, CancellationToken cancellation)
    {
        using var process = Process.Start(Describe(program, arguments))!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellation);
            var errors = process.StandardError.ReadToEndAsync(cancellation);
            try
            {
                await process.StandardInput.WriteAsync(input.AsMemory(), cancellation);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It ended before it read everything; its exit code and its words say why.
            }

            await process.WaitForExitAsync(cancellation);
            return (process.ExitCode, (await errors + await output).Trim());
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    public async Task<string> MustRunAsync(string program, IEnumerable<string> arguments, string input, CancellationToken cancellation)
    {
        var (exitCode, output) = await RunAsync(program, arguments, input, cancellation);
        return exitCode == 0
            ? output
            : throw new PostgresStartException($"{program} failed with exit code {exitCode}.", output.Split('\n').TakeLast(20).ToList());
    }

    public Task<string> MustRunAsync(string program, IEnumerable<string> arguments, CancellationToken cancellation) =>
        MustRunAsync(program, arguments, "", cancellation);

    public static string? FindTool(string name) => toolFolders.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    public static string Tool(string name) =>
        FindTool(name) ?? throw new PostgresRefusedException($"The program {name} is missing here; the embedded PostgreSQL needs it.");

    // setpriv replaces itself by the program, so the process id stays; runuser waits beside it.
    private IEnumerable<string> AsUser() => user switch
    {
        null => [],
        _ when FindTool("setpriv") is { } setpriv =>
            [setpriv, $"--reuid={user.Uid}", $"--regid={user.Gid}", "--clear-groups", "--no-new-privs", "--"],
        _ => [Tool("runuser"), "-u", user.Name, "--"],
    };
}
