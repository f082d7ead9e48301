using System.Net.Http.Json;
using LlmPlatform.ModuleTests.Support;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace LlmPlatform.ModuleTests.Durability;

public sealed class KillTests : IDisposable
{
    private readonly DirectoryInfo folder = TemporaryFolder.Create("llmp-kill-");

    [Fact]
    public async Task A_message_that_is_committed_but_not_handled_when_the_host_is_killed_is_handled_after_the_restart()
    {
        var isHalfWay = new TaskCompletionSource();
        var requests = 0;
        await using var server = await FileServer.StartAsync(async context =>
        {
            if (Interlocked.Increment(ref requests) > 1)
            {
                await context.Response.SendFileAsync(TinyModel.Path);
                return;
            }

            context.Response.ContentLength = new FileInfo(TinyModel.Path).Length;
            await context.Response.Body.WriteAsync(new byte[1000]);
            await context.Response.Body.FlushAsync();
            isHalfWay.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        });

        Uri install;
        await using (var host = await StartAsync())
        {
            using var administrator = await host.AdministratorAsync();
            var answer = await administrator.PostAsJsonAsync("/api/v1/inference/installs", new { source = new Uri(server.Address, "tiny.gguf"), name = "survivor" });
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
            install = answer.Headers.Location!;
            await isHalfWay.Task;
            await host.KillAsync();
        }

        await using (var host = await StartAsync())
        {
            using var administrator = await host.AdministratorAsync();
            var over = await Eventually.Async(() => administrator.GetJsonAsync(install.ToString()), i => i.Text("state") is "succeeded" or "failed");
            Assert.Equal("succeeded", over.Text("state"));
            var audit = await Eventually.Async(
                () => administrator.GetJsonAsync("/api/v1/admin/audit?target=model:survivor&action=inference.model_installed"), page => page.GetProperty("items").GetArrayLength() > 0);
            Assert.Equal(1, audit.GetProperty("items").GetArrayLength());
            await Eventually.Async(() => administrator.GetStringAsync("/api/v1/explore/models?query=survivor"), found => found.Contains("survivor"));
            Assert.Empty(Directory.GetFiles(Path.Combine(folder.FullName, "data", "models", "tmp")));
        }
    }

    [Fact]
    public async Task What_was_acknowledged_is_there_after_the_host_was_killed()
    {
        string key;
        await using (var host = await StartAsync())
        {
            using var administrator = await host.AdministratorAsync();
            key = (await (await administrator.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "kept" })).JsonAsync()).Text("key")!;
            await host.KillAsync();
        }

        await using (var host = await StartAsync())
        {
            using var program = Clients.At(host.Address, key);
            Assert.Equal(System.Net.HttpStatusCode.OK, (await program.GetAsync("/v1/models")).StatusCode);
        }
    }

    [Fact]
    public async Task A_second_host_on_the_same_data_folder_is_refused()
    {
        await using var host = await StartAsync();
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(StartAsync);
        Assert.Contains("Another LlmPlatform host", refused.Message, StringComparison.Ordinal);
    }

    public void Dispose() => folder.Delete(recursive: true);

    private Task<ReleaseHost> StartAsync() => ReleaseHost.StartAsync(Path.Combine(folder.FullName, "data"), folder.FullName);
}
