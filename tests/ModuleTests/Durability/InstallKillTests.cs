using System.Globalization;
using System.Net.Http.Json;
using System.Security.Cryptography;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Durability;

/// <summary>
/// The host is killed at random points of an install from a slow server that resets connections. The short form runs always; the full one by
/// <c>INSTALL_KILLS=20 dotnet ModuleTests.dll -class "*InstallKillTests"</c>.
/// </summary>
public sealed class InstallKillTests : IDisposable
{
    private const int Chunk = 65536; // as PlatformFixture sets it
    private const int Window = 65536; // so far ahead of the file on the disk does the server send: it is as slow as the host
    private const int Piece = 16 << 10;
    private const int Seed = 20261124;

    private static readonly int Kills = int.Parse(Environment.GetEnvironmentVariable("INSTALL_KILLS") ?? "3", CultureInfo.InvariantCulture);

    private readonly DirectoryInfo folder = TemporaryFolder.Create("llmp-install-kill-");

    [Fact]
    public async Task An_install_whose_host_is_killed_again_and_again_ends_with_the_right_file_and_one_event()
    {
        var random = new Random(Seed);
        var content = await LargerModelAsync();
        await using var server = await RangeServer.StartAsync(content);
        string id;
        await using (var host = await StartAsync())
        {
            using var administrator = await host.AdministratorAsync();
            server.MayGoOn = (_, cancellation) => Task.Delay(Timeout.Infinite, cancellation).ContinueWith(_ => false, TaskScheduler.Default);
            var answer = await administrator.PostAsJsonAsync("/api/v1/inference/installs", new { source = server.Address, name = "survivor" });
            id = (await answer.JsonAsync()).Text("id")!;
            await host.KillAsync();
        }

        for (var kill = 0; kill < Kills; kill++)
        {
            // Each life gets a part of what is missing, resets on the way included, and ends at a random byte of it.
            var end = kill == Kills - 1 ? content.Length : server.MostSent + random.NextInt64(Chunk, (content.Length - server.MostSent) / (Kills - kill));
            var resetAt = server.MostSent + ((end - server.MostSent) / 2);
            var isReset = false;
            var isThere = new TaskCompletionSource();
            server.MayGoOn = async (position, cancellation) =>
            {
                await Eventually.Async(() => Task.FromResult(Received()), bytes => bytes >= position - Window || cancellation.IsCancellationRequested);
                if (position >= resetAt && !isReset)
                {
                    isReset = true;
                    return false;
                }

                if (position + Piece >= end)
                {
                    isThere.TrySetResult();
                    if (kill < Kills - 1)
                    {
                        await Task.Delay(Timeout.Infinite, cancellation);
                    }
                }

                return true;
            };
            await using var host = await StartAsync();
            await isThere.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
            await host.KillAsync(); // the last one comes while the file is looked at, tried out or written down
        }

        await using var last = await StartAsync();
        using var client = await last.AdministratorAsync();
        var over = await Eventually.Async(() => client.GetJsonAsync($"/api/v1/inference/installs/{id}"), install => install.Text("state") is "succeeded" or "failed");
        Assert.Equal("succeeded", over.Text("state"));
        Assert.Equal($"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}", (await client.GetJsonAsync("/api/v1/inference/models/survivor")).Text("digest"));
        Assert.InRange(server.SentAgain, 0, (Kills * (Chunk + Window + Piece)) + (Kills * (Window + Piece))); // of kills, and of resets
        TestContext.Current.SendDiagnosticMessage($"{Kills} kills, {content.Length} bytes, {server.SentAgain} of them sent again");

        var told = await Eventually.Async(
            () => client.GetJsonAsync("/api/v1/admin/audit?target=model:survivor&action=inference.model_installed"), page => page.GetProperty("items").GetArrayLength() > 0);
        Assert.Equal(1, told.GetProperty("items").GetArrayLength());
        Assert.Equal(System.Net.HttpStatusCode.OK, (await client.PostAsJsonAsync("/v1/completions", new { model = "survivor", prompt = "a", max_tokens = 1 })).StatusCode);
        await Eventually.Async(() => Task.FromResult(Directory.GetFiles(Path.Combine(folder.FullName, "data", "models", "tmp")).Length), count => count == 0);
        Assert.Single(Directory.GetFiles(Path.Combine(folder.FullName, "data", "models", "blobs")));
    }

    public void Dispose() => folder.Delete(recursive: true);

    private Task<ReleaseHost> StartAsync() => ReleaseHost.StartAsync(Path.Combine(folder.FullName, "data"), folder.FullName);

    private long Received() => new DirectoryInfo(Path.Combine(folder.FullName, "data", "models", "tmp")).EnumerateFiles("*.partial").Sum(file => file.Length);

    private static async Task<byte[]> LargerModelAsync()
    {
        var stream = new MemoryStream();
        TinyModel.Write(stream, TinyShape.Tiny with { Vocabulary = 20_000 }, Seed);
        await stream.FlushAsync();
        return stream.ToArray();
    }
}
