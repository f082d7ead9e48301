using System.Diagnostics;
using System.Text.Json;
using Xunit;

namespace LlmPlatform.ModuleTests.Support;

/// <summary>The host as it ships, in a process of its own that a test may kill. PostgreSQL and workers then become orphans, as after a real crash.</summary>
internal sealed class ReleaseHost : IAsyncDisposable
{
    private static readonly Lazy<Task<string>> Built = new(BuildAsync);
    private readonly Process process;

    private ReleaseHost(Process process, Uri address) => (this.process, Address) = (process, address);

    public Uri Address { get; }

    public static async Task<ReleaseHost> StartAsync(string data, string imports)
    {
        var start = new ProcessStartInfo(await Built.Value, PlatformFixture.Arguments(data, imports)[..^1]) { RedirectStandardOutput = true, WorkingDirectory = Path.GetTempPath() };
        var process = Process.Start(start)!;
        var said = new List<string>();
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            said.Add(line);
            if (line.Contains("LlmPlatform is ready", StringComparison.Ordinal))
            {
                var address = JsonDocument.Parse(line).RootElement.GetProperty(nameof(Address)).GetString()!;
                _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
                return new ReleaseHost(process, new Uri(address));
            }
        }

        throw new InvalidOperationException($"The host ended before it was ready: {string.Join('\n', said)}");
    }

    public async Task<HttpClient> AdministratorAsync()
    {
        using var client = Clients.At(Address);
        var answer = await client.PostAsync(
            "/api/v1/auth/token", System.Net.Http.Json.JsonContent.Create(new { email = PlatformFixture.Email, password = PlatformFixture.Password }));
        return Clients.At(Address, (await answer.JsonAsync()).Text("accessToken"));
    }

    /// <summary>kill -9, of this process alone.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            // SIGTERM, so that PostgreSQL and the workers go too.
            using var stop = Process.Start("kill", ["-TERM", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
            await process.WaitForExitAsync();
        }

        process.Dispose();
    }

    private static async Task<string> BuildAsync()
    {
        var root = NativeRuntimes.RepositoryRoot();
        using var build = Process.Start(new ProcessStartInfo("dotnet", ["build", Path.Combine(root, "src/Host"), "-c", "Release", "-nodeReuse:false"])
        {
            RedirectStandardOutput = true,
            Environment = { ["MSBUILDDISABLENODEREUSE"] = "1" },
        })!;
        var output = await build.StandardOutput.ReadToEndAsync();
        await build.WaitForExitAsync();
        Assert.True(build.ExitCode == 0, output);
        return Directory.GetFiles(Path.Combine(root, "artifacts/publish/Host"), "Host", SearchOption.AllDirectories).Single();
    }
}
