using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class WorkerTests(PlatformFixture platform)
{
    // Large enough that a reply takes seconds, so that something can happen meanwhile.
    private static readonly TinyShape Slow = new(8, 256, 704, 8, 4, 4096, 4000, TensorType.Q8_0);

    [Fact]
    public async Task A_worker_that_is_killed_costs_its_stream_a_typed_error_and_the_next_request_is_served()
    {
        await InstallSlowAsync("killed");
        using var answer = await StreamAsync("killed");
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        Assert.StartsWith("data: {", await NextLineAsync(reader), StringComparison.Ordinal);

        foreach (var worker in WorkersOf("killed"))
        {
            worker.Kill();
        }

        var rest = await reader.ReadToEndAsync();
        Assert.Contains("\"code\":\"engine.crashed\"", rest, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", rest, StringComparison.Ordinal);

        var next = await platform.Administrator.PostAsJsonAsync("/v1/completions", new { model = "killed", prompt = "a", max_tokens = 3 });
        Assert.Equal(HttpStatusCode.OK, next.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await platform.Client.GetAsync("/health/ready")).StatusCode);
    }

    [Fact]
    public async Task When_the_reader_leaves_the_model_stops()
    {
        await InstallSlowAsync("left");
        using (var answer = await StreamAsync("left"))
        {
            using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
            Assert.StartsWith("data: {", await NextLineAsync(reader), StringComparison.Ordinal);
        }

        // The whole reply would take many times longer than this test waits for the slot.
        await Eventually.Async(() => Task.FromResult(platform.RunningOf("left")), running => running == 0);
    }

    [Fact]
    public async Task Unloading_a_model_ends_its_process()
    {
        await InstallSlowAsync("unloaded");
        (await platform.Administrator.PostAsJsonAsync("/v1/completions", new { model = "unloaded", prompt = "a", max_tokens = 1 })).EnsureSuccessStatusCode();
        Assert.NotEmpty(WorkersOf("unloaded"));
        Assert.Equal(HttpStatusCode.Accepted, (await platform.Administrator.PostAsync("/api/v1/inference/models/unloaded/unload", null)).StatusCode);
        await Eventually.Async(() => Task.FromResult(WorkersOf("unloaded").Count), count => count == 0);
    }

    [Fact]
    public async Task A_worker_sees_none_of_the_hosts_secrets()
    {
        await InstallSlowAsync("secretive");
        (await platform.Administrator.PostAsJsonAsync("/v1/completions", new { model = "secretive", prompt = "a", max_tokens = 1 })).EnsureSuccessStatusCode();
        var environment = await File.ReadAllTextAsync($"/proc/{WorkersOf("secretive").Single().Id}/environ");
        Assert.Contains("GGML_NO_BACKTRACE=1", environment, StringComparison.Ordinal);
        Assert.DoesNotContain("Setup", environment, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Postgres", environment, StringComparison.OrdinalIgnoreCase);
    }

    private async Task InstallSlowAsync(string name)
    {
        var path = Path.Combine(platform.Imports, $"{name}-slow.gguf");
        await using (var file = File.Create(path))
        {
            TinyModel.Write(file, Slow, seed: name.Length);
        }

        var install = await platform.Administrator.InstallAsync($"file://{path}", name);
        Assert.Equal("succeeded", install.Text("state"));
    }

    private Task<HttpResponseMessage> StreamAsync(string model)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = JsonContent.Create(new { model, prompt = "Once", max_tokens = 3000, temperature = 1, stream = true }),
        };
        return platform.Administrator.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    private static async Task<string> NextLineAsync(StreamReader reader)
    {
        string? line;
        do
        {
            line = await reader.ReadLineAsync() ?? throw new EndOfStreamException();
        }
        while (line.Length == 0);

        return line;
    }

    /// <summary>The serving processes of a model, by the file that is open on their command line.</summary>
    private List<Process> WorkersOf(string name)
    {
        var digest = platform.Administrator.GetJsonAsync($"/api/v1/inference/models/{name}").GetAwaiter().GetResult().Text("digest")!;
        var path = platform.BlobOf(digest);
        return [.. Process.GetProcesses().Where(process => CommandLineOf(process) is var line && line.Contains("serve") && line.Contains(path))];
    }

    private static string CommandLineOf(Process process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process.Id}/cmdline").Replace('\0', ' ');
        }
        catch (IOException)
        {
            return "";
        }
    }
}
