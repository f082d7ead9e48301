using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace LlmPlatform.Measuring;

/// <summary>The host as <c>dotnet build src/Host -c Release</c> publishes it, in a process of its own.</summary>
internal sealed class PublishedHost : IAsyncDisposable
{
    public const string Email = "admin@example.com";
    public const string Password = "correct horse battery";

    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(5);
    private readonly Process process;

    private PublishedHost(Process process, Uri address) => (this.process, Client) = (process, new HttpClient { BaseAddress = address });

    public HttpClient Client { get; }

    public int ProcessId => process.Id;

    /// <summary>From the start of the process until /health/ready says yes.</summary>
    public TimeSpan ReadyAfter { get; private set; }

    /// <summary>Where the build publishes to. Throws where it has not.</summary>
    public static string DefaultPath
    {
        get
        {
            var path = Path.Combine(
                RepositoryRoot, "artifacts/publish/Host", $"release_linux-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}", "Host");
            return File.Exists(path) ? path : throw new FileNotFoundException($"Build the host first: dotnet build src/Host -c Release ({path} is not there).");
        }
    }

    public static string RepositoryRoot
    {
        get
        {
            var folder = AppContext.BaseDirectory;
            while (!File.Exists(Path.Combine(folder, "LlmPlatform.sln")))
            {
                folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("This runs from within the repository.");
            }

            return folder;
        }
    }

    /// <summary>Starts it on a free port. Its log goes to <c>host.log</c> beside the data folder.</summary>
    public static async Task<PublishedHost> StartAsync(string path, string data, params string[] settings)
    {
        var address = $"http://127.0.0.1:{LocalPort.Free()}";
        string[] arguments =
        [
            $"--Urls={address}", $"--Data:Path={data}", $"--Setup:Email={Email}", $"--Setup:Password={Password}", "--Inference:ImportPaths:0=/", .. settings,
        ];
        var log = new StreamWriter(data + ".log", append: true);
        var started = Stopwatch.GetTimestamp();
        var process = Process.Start(new ProcessStartInfo(path, arguments) { RedirectStandardOutput = true, WorkingDirectory = Path.GetTempPath() })!;
        _ = CopyAsync(process.StandardOutput, log);
        var host = new PublishedHost(process, new Uri(address));
        while (!await host.IsReadyAsync())
        {
            if (process.HasExited)
            {
                throw new InvalidOperationException($"The host ended with exit code {process.ExitCode}; see {data}.log.");
            }

            await Task.Delay(LookAgain);
        }

        host.ReadyAfter = Stopwatch.GetElapsedTime(started);
        return host;
    }

    /// <summary>Signs in as the administrator and gives a new API key, with which <see cref="Client"/> asks from now on.</summary>
    public async Task<string> NewKeyAsync()
    {
        var key = await NewKeyAsync(Email);
        Use(key);
        return key;
    }

    /// <summary>Registers another person, as the administrator that <see cref="Client"/> is, and gives an API key of theirs.</summary>
    public async Task<string> NewUserKeyAsync(string email)
    {
        var administrator = Client.DefaultRequestHeaders.Authorization;
        await PostAsync("/api/v1/auth/users", new { email, name = email, password = Password, role = "user" });
        var key = await NewKeyAsync(email);
        Client.DefaultRequestHeaders.Authorization = administrator;
        return key;
    }

    public void Use(string credential) => Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", credential);

    /// <summary>Installs a model file and waits until it is there.</summary>
    public async Task InstallAsync(string file, string name)
    {
        var install = await PostAsync("/api/v1/inference/installs", new { source = $"file://{Path.GetFullPath(file)}", name });
        while (install.GetProperty("state").GetString() is not "succeeded")
        {
            if (install.GetProperty("state").GetString() is "failed" or "cancelled")
            {
                throw new InvalidOperationException(install.ToString());
            }

            await Task.Delay(LookAgain);
            install = await Client.GetFromJsonAsync<JsonElement>($"/api/v1/inference/installs/{install.GetProperty("id").GetString()}");
        }
    }

    public async Task<JsonElement> PostAsync(string path, object body)
    {
        using var answer = await Client.PostAsJsonAsync(path, body);
        var text = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode ? JsonDocument.Parse(text).RootElement : throw new InvalidOperationException($"{path}: {(int)answer.StatusCode} {text}");
    }

    /// <summary>Proportional set size in MiB of the host and of all that it started, by program.</summary>
    public Dictionary<string, double> MemoryByProgram()
    {
        return ProcessTree.Of(ProcessId)
            .GroupBy(id => ProcessTree.ReadOrEmpty($"/proc/{id}/comm").Trim())
            .ToDictionary(g => g.Key, g => g.Sum(PssOf));
    }

    public async ValueTask DisposeAsync()
    {
        using var stop = Process.Start("kill", ["-TERM", $"{process.Id}"]);
        await process.WaitForExitAsync();
        process.Dispose();
        Client.Dispose();
    }

    private async Task<string> NewKeyAsync(string email)
    {
        var signedIn = await PostAsync("/api/v1/auth/token", new { email, password = Password });
        Use(signedIn.GetProperty("accessToken").GetString()!);
        var scope = email == Email ? "*" : "inference";
        return (await PostAsync("/api/v1/auth/api-keys", new { name = "benchmark", scopes = new[] { scope } })).GetProperty("key").GetString()!;
    }

    private static double PssOf(int id)
    {
        var line = ProcessTree.ReadOrEmpty($"/proc/{id}/smaps_rollup").Split('\n').FirstOrDefault(l => l.StartsWith("Pss:", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) / 1024;
    }

    private static async Task CopyAsync(StreamReader from, StreamWriter to)
    {
        while (await from.ReadLineAsync() is { } line)
        {
            await to.WriteLineAsync(line);
        }

        await to.DisposeAsync();
    }

    private async Task<bool> IsReadyAsync()
    {
        try
        {
            using var answer = await Client.GetAsync("/health/ready");
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false; // it does not listen yet
        }
    }
}
