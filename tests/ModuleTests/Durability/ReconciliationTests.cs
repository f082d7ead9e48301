using System.Net;
using System.Net.Http.Json;
using LlmPlatform.Host;
using LlmPlatform.Inference;
using LlmPlatform.Inference.Installs;
using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.Names;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace LlmPlatform.ModuleTests.Durability;

/// <summary>What a host finds on its disk when it starts, after somebody else was there.</summary>
public sealed class ReconciliationTests : IDisposable
{
    private readonly DirectoryInfo folder = TemporaryFolder.Create("llmp-reconcile-");

    [Fact]
    public async Task A_start_removes_what_nobody_owns_marks_what_lost_its_file_and_loads_what_is_pinned()
    {
        string lost, kept, stray, partial;
        await using (var platform = await StartAsync())
        {
            using var administrator = await SignInAsync(platform);
            var files = platform.App.Services.GetRequiredService<ModelFiles>();
            lost = files.PathOf(await InstallAsync(administrator, "lost", seed: 1));
            kept = files.PathOf(await InstallAsync(administrator, "kept", seed: 2));
            (await administrator.PatchAsJsonAsync("/api/v1/inference/models/kept", new { pinned = true })).EnsureSuccessStatusCode();
            stray = files.PathOf("sha256:" + new string('0', 64));
            partial = files.PartialOf("nobody's");
        }

        var content = await File.ReadAllBytesAsync(lost, TestContext.Current.CancellationToken);
        File.Delete(lost);
        await File.WriteAllTextAsync(stray, "stray", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(partial, "partial", TestContext.Current.CancellationToken);
        await using (var platform = await StartAsync())
        {
            using var administrator = await SignInAsync(platform);
            Assert.False(File.Exists(stray));
            Assert.False(File.Exists(partial));
            Assert.True(File.Exists(kept));
            await Eventually.Async(() => administrator.GetJsonAsync("/api/v1/inference/models/kept"), model => model.Text("state") == "ready");
            var model = await administrator.GetJsonAsync("/api/v1/inference/models/lost");
            Assert.Equal(("quarantined", "model.file_lost"), (model.Text("state"), model.GetProperty("error").Text("code")));
            var answer = await administrator.PostAsJsonAsync("/v1/completions", new { model = "lost", prompt = "a", max_tokens = 1 });
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.Equal("model.file_lost", (await answer.JsonAsync()).GetProperty("error").Text("code"));
            Assert.Equal(HttpStatusCode.OK, await CompleteAsync(administrator, "kept"));

            await InstallAsync(administrator, "brought-back", seed: 1); // the same file, so the first model has it too
            Assert.Equal(HttpStatusCode.OK, await CompleteAsync(administrator, "lost"));
        }

        await File.WriteAllBytesAsync(lost, content[..^1], TestContext.Current.CancellationToken);
        await using (var platform = await StartAsync())
        {
            using var administrator = await SignInAsync(platform);
            Assert.Equal("quarantined", (await administrator.GetJsonAsync("/api/v1/inference/models/lost")).Text("state")); // cut off is lost as well
            await InstallAsync(administrator, "brought-back-again", seed: 1);
            Assert.Equal(content.Length, new FileInfo(lost).Length);
            Assert.Equal(HttpStatusCode.OK, await CompleteAsync(administrator, "lost"));
        }

        File.Delete(lost);
        await using (var platform = await StartAsync())
        {
            using var administrator = await SignInAsync(platform);
            Assert.Equal("quarantined", (await administrator.GetJsonAsync("/api/v1/inference/models/lost")).Text("state"));
        }

        await File.WriteAllBytesAsync(lost, content, TestContext.Current.CancellationToken);
        await using (var platform = await StartAsync())
        {
            using var administrator = await SignInAsync(platform);
            Assert.Equal(HttpStatusCode.OK, await CompleteAsync(administrator, "lost"));
        }
    }

    [Fact]
    public async Task An_install_whose_message_is_lost_goes_on_after_the_next_start()
    {
        var (id, now) = (Guid.CreateVersion7(), TimeProvider.System.GetUtcNow());
        var source = $"file://{folder.FullName}/forgotten.gguf";
        await using (var file = File.Create(Path.Combine(folder.FullName, "forgotten.gguf")))
        {
            TinyModel.Write(file, TinyShape.Tiny, seed: 4);
        }

        await using (var platform = await StartAsync())
        {
            await using var session = platform.App.Services.GetRequiredService<IInferenceStore>().LightweightSession();
            session.Insert(new ModelName { Id = "forgotten", InstallId = id });
            session.Events.StartStream<Install>(
                id, new InstallRequested(id, "forgotten", source, null, Guid.Empty, now), new InstallLocated(id, new FileLocation(source, source, null, null), now));
            await session.SaveChangesAsync(TestContext.Current.CancellationToken);
        }

        await using (var platform = await StartAsync())
        {
            using var administrator = await SignInAsync(platform);
            var over = await Eventually.Async(() => administrator.GetJsonAsync($"/api/v1/inference/installs/{id}"), install => install.Text("state") is "succeeded" or "failed");
            Assert.Equal("succeeded", over.Text("state"));
        }
    }

    [Fact]
    public async Task A_host_that_is_stopped_does_not_wait_for_its_installs_and_goes_on_with_them_after_its_next_start()
    {
        using var stream = new MemoryStream();
        TinyModel.Write(stream, TinyShape.Tiny, seed: 3);
        await using var server = await RangeServer.StartAsync(stream.ToArray());
        server.MayGoOn = async (position, cancellation) =>
        {
            if (position < stream.Length / 2)
            {
                return true;
            }

            await Task.Delay(Timeout.Infinite, cancellation);
            return false;
        };
        string path;
        var platform = await StartAsync();
        using (var administrator = await SignInAsync(platform))
        {
            path = (await administrator.PostAsJsonAsync("/api/v1/inference/installs", new { source = server.Address, name = "interrupted" })).Headers.Location!.ToString();
            await Eventually.Async(() => administrator.GetJsonAsync(path), install => install.GetProperty("completedBytes").GetInt64() >= stream.Length / 2);
        }

        await platform.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken); // the source would keep it for ever
        server.MayGoOn = (_, _) => Task.FromResult(true);
        await using (platform = await StartAsync())
        {
            using var administrator = await SignInAsync(platform);
            var over = await Eventually.Async(() => administrator.GetJsonAsync(path), install => install.Text("state") is "succeeded" or "failed");
            Assert.Equal("succeeded", over.Text("state"));
            Assert.True(server.Starts.Last() > 0, string.Join(", ", server.Starts)); // not from the beginning
        }
    }

    public void Dispose() => folder.Delete(recursive: true);

    private Task<Platform> StartAsync() => Platform.StartAsync(
        PlatformFixture.Arguments(Path.Combine(folder.FullName, "data"), folder.FullName), adjust: null, TestContext.Current.CancellationToken);

    private static async Task<HttpClient> SignInAsync(Platform platform)
    {
        using var nobody = Clients.At(platform.Address);
        var token = await (await nobody.PostAsJsonAsync("/api/v1/auth/token", new { email = PlatformFixture.Email, password = PlatformFixture.Password })).JsonAsync();
        return Clients.At(platform.Address, token.Text("accessToken"));
    }

    private static async Task<HttpStatusCode> CompleteAsync(HttpClient client, string model) =>
        (await client.PostAsJsonAsync("/v1/completions", new { model, prompt = "a", max_tokens = 1 })).StatusCode;

    private async Task<string> InstallAsync(HttpClient administrator, string name, int seed)
    {
        var path = Path.Combine(folder.FullName, $"{name}.gguf");
        await using (var file = File.Create(path))
        {
            TinyModel.Write(file, TinyShape.Tiny, seed);
        }

        Assert.Equal("succeeded", (await administrator.InstallAsync($"file://{path}", name)).Text("state"));
        return (await administrator.GetJsonAsync($"/api/v1/inference/models/{name}")).Text("digest")!;
    }
}
