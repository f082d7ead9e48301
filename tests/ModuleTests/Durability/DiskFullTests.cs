using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using LlmPlatform.Host;
using LlmPlatform.ModuleTests.Support;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace LlmPlatform.ModuleTests.Durability;

/// <summary>Models lie on a small file system of their own, which fills up while a file comes in.</summary>
public sealed class DiskFullTests : IDisposable
{
    private const int Steps = 20;
    private readonly DirectoryInfo folder = TemporaryFolder.Create("llmp-full-");

    [Fact]
    public async Task A_disk_that_is_full_at_any_point_fails_the_install_and_nothing_else()
    {
        var models = folder.CreateSubdirectory("models").FullName;
        Assert.SkipUnless(await RunAsync("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", models), "Only root can mount the small file system that this needs.");
        try
        {
            await using var platform = await Platform.StartAsync(
                [.. PlatformFixture.Arguments(Path.Combine(folder.FullName, "data"), folder.FullName), $"--Inference:ModelsPath={models}", "--Inference:DiskReserveBytes=0"],
                adjust: null,
                TestContext.Current.CancellationToken);
            using var nobody = Clients.At(platform.Address);
            var token = await (await nobody.PostAsJsonAsync("/api/v1/auth/token", new { email = PlatformFixture.Email, password = PlatformFixture.Password })).JsonAsync();
            using var administrator = Clients.At(platform.Address, token.Text("accessToken"));
            File.Copy(TinyModel.Path, Path.Combine(folder.FullName, "tiny.gguf"));
            Assert.Equal("succeeded", (await administrator.InstallAsync($"file://{folder.FullName}/tiny.gguf", "there")).Text("state"));
            await FillAsync(administrator, models, Other());
            Assert.Equal("succeeded", (await administrator.InstallAsync($"file://{folder.FullName}/tiny.gguf", "again")).Text("state"));
        }
        finally
        {
            await RunAsync("umount", "-l", models);
        }
    }

    public void Dispose() => folder.Delete(recursive: true);

    private static async Task FillAsync(HttpClient administrator, string models, byte[] content)
    {
        var filler = Path.Combine(models, "filler");
        var step = 0;
        await using var server = await FileServer.StartAsync(SendAsync);
        for (; step < Steps; step++)
        {
            var install = await administrator.InstallAsync(new Uri(server.Address, $"{step}.gguf").ToString(), "full");
            Assert.Equal("failed", install.Text("state"));
            Assert.Equal("disk.insufficient", install.GetProperty("error").Text("code"));
            Assert.Equal(HttpStatusCode.NotFound, (await administrator.GetAsync("/api/v1/inference/models/full")).StatusCode);
            Assert.Single(Directory.GetFiles(Path.Combine(models, "blobs")));
            Assert.Equal(HttpStatusCode.OK, (await administrator.PostAsJsonAsync("/v1/completions", new { model = "there", prompt = "a", max_tokens = 2 })).StatusCode);
            await Eventually.Async(() => Task.FromResult(Received(models)), bytes => bytes == 0); // its space is back
            File.Delete(filler);
        }

        // Where the size is known, the first byte is not even asked for.
        Fill(filler);
        var known = await administrator.InstallAsync($"file://{Path.GetDirectoryName(models)}/tiny.gguf", "full", new string('0', 64));
        Assert.Equal("disk.insufficient", known.GetProperty("error").Text("code"));
        File.Delete(filler);

        async Task SendAsync(HttpContext context)
        {
            // Without a length nothing can be reserved, so the disk fills up in the middle of the writing.
            var until = content.Length * step / Steps;
            await context.Response.Body.WriteAsync(content.AsMemory(0, until));
            await context.Response.Body.FlushAsync();
            await Eventually.Async(() => Task.FromResult(Received(models)), bytes => bytes >= until);
            Fill(filler);
            await context.Response.Body.WriteAsync(content.AsMemory(until));
        }
    }

    private static long Received(string models) => new DirectoryInfo(Path.Combine(models, "tmp")).EnumerateFiles("*.partial").Sum(file => file.Exists ? file.Length : 0);

    private static void Fill(string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        foreach (var size in new[] { 64 << 10, 4 << 10, 1 })
        {
            try
            {
                while (true)
                {
                    file.Write(new byte[size]);
                }
            }
            catch (IOException)
            {
                // Smaller pieces may still fit.
            }
        }
    }

    private static byte[] Other()
    {
        var stream = new MemoryStream();
        TinyModel.Write(stream, TinyShape.Tiny, 99);
        return stream.ToArray();
    }

    private static async Task<bool> RunAsync(string command, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
            await process.WaitForExitAsync();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
