using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using LlmPlatform.Host;
using LlmPlatform.ModuleTests.Support;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

/// <summary>A50, and installs from a hub and a registry that are servers of this machine.</summary>
public sealed class OtherSourcesTests : IAsyncLifetime
{
    private static readonly byte[] Tiny = File.ReadAllBytes(TinyModel.Path);
    private static readonly string Digest = Convert.ToHexStringLower(SHA256.HashData(Tiny));
    private readonly DirectoryInfo folder = TemporaryFolder.Create("llmp-hub-");
    private readonly List<string> seen = [];
    private FileServer server = null!;
    private FileServer files = null!;
    private Platform platform = null!;
    private HttpClient administrator = null!;

    public async ValueTask InitializeAsync()
    {
        files = await FileServer.StartAsync(context =>
        {
            Note("files", context);
            return context.Response.SendFileAsync(TinyModel.Path);
        });
        server = await FileServer.StartAsync(AnswerAsync);
        platform = await Platform.StartAsync(
            [
                .. PlatformFixture.Arguments(Path.Combine(folder.FullName, "data"), folder.FullName),
                $"--Hub:Endpoint={server.Address}", "--Hub:Token=hf_secret", $"--Inference:OllamaEndpoint={server.Address}",
            ],
            adjust: null,
            TestContext.Current.CancellationToken);
        using var nobody = Clients.At(platform.Address);
        var answer = await nobody.PostAsync("/api/v1/auth/token", System.Net.Http.Json.JsonContent.Create(new { email = PlatformFixture.Email, password = PlatformFixture.Password }));
        administrator = Clients.At(platform.Address, (await answer.JsonAsync()).Text("accessToken"));
    }

    [Fact]
    public async Task Models_of_a_hub_and_of_a_registry_are_installed_or_refused()
    {
        // What goes wrong first.
        await AssertFailsAsync("hf://owner/models/none.gguf", "download.not_found");
        await AssertFailsAsync("hf://owner/nobody/a.gguf", "download.not_found");
        await AssertFailsAsync("hf://owner/gated/a.gguf", "download.forbidden");
        await AssertFailsAsync("hf://owner/garbage/a.gguf", "hub.invalid_answer");
        await AssertFailsAsync("hf://owner/huge/a.gguf", "outside.too_large");
        await AssertFailsAsync("hf://owner/endless/a.gguf", "hub.too_many_files");
        await AssertFailsAsync("hf://owner/lying/a.gguf", "hub.invalid_answer");
        await AssertFailsAsync("hf://owner/pointer/a.gguf", "gguf.magic"); // a Git LFS pointer, not the file
        await AssertFailsAsync("hf://owner/models/tiny.gguf", "model.hash_mismatch", new string('0', 64));
        await AssertFailsAsync("ollama://nobody", "download.not_found");
        await AssertFailsAsync("ollama://cloud:latest", "source.not_gguf");
        await AssertFailsAsync("ollama://split", "gguf.split");

        // The credential of the hub went to the hub alone, and not to where it sent us.
        var install = await administrator.InstallAsync("hf://owner/models/folder/tiny%.gguf".Replace("%", "", StringComparison.Ordinal), "from-hub");
        Assert.Equal("succeeded", install.Text("state"));
        Assert.Contains("hub:Bearer hf_secret", seen);
        Assert.DoesNotContain("files:Bearer hf_secret", seen);
        Assert.Equal($"sha256:{Digest}", (await administrator.GetJsonAsync("/api/v1/inference/models/from-hub")).Text("digest"));

        // The file is known by its digest already, so nobody is asked for it again.
        var downloads = seen.Count(line => line.StartsWith("files", StringComparison.Ordinal));
        install = await administrator.InstallAsync("ollama://tiny:1b", "from-registry");
        Assert.Equal("succeeded", install.Text("state"));
        Assert.Equal("ollama://tiny:1b", install.Text("source"));
        Assert.Equal(downloads, seen.Count(line => line.StartsWith("files", StringComparison.Ordinal)));
        Assert.Equal(HttpStatusCode.OK, (await administrator.PostAsync("/v1/completions",
            System.Net.Http.Json.JsonContent.Create(new { model = "from-registry", prompt = "a", max_tokens = 1 }))).StatusCode);
    }

    public async ValueTask DisposeAsync()
    {
        administrator.Dispose();
        await platform.DisposeAsync();
        await server.DisposeAsync();
        await files.DisposeAsync();
        folder.Delete(recursive: true);
    }

    private async Task AssertFailsAsync(string source, string code, string? sha256 = null)
    {
        var install = await administrator.InstallAsync(source, "never", sha256);
        Assert.Equal((source, "failed", code), (source, install.Text("state"), install.GetProperty("error").ValueKind == JsonValueKind.Null ? null : install.GetProperty("error").Text("code")));
    }

    private void Note(string who, HttpContext context)
    {
        lock (seen)
        {
            seen.Add($"{who}:{context.Request.Headers.Authorization}");
        }
    }

    private Task AnswerAsync(HttpContext context)
    {
        Note("hub", context);
        var tiny = $$"""{"type":"file","path":"folder/tiny.gguf","size":{{Tiny.Length}},"lfs":{"oid":"{{Digest}}","size":{{Tiny.Length}},"pointerSize":134} }""";
        switch (context.Request.Path.Value)
        {
            case "/api/models/owner/models/tree/main":
                return context.Response.WriteAsync($"[{tiny.Replace("folder/", "", StringComparison.Ordinal)},{{\"type\":\"file\",\"path\":\"../none.gguf\",\"size\":5}}]");
            case "/api/models/owner/models/tree/main/folder":
                return context.Response.WriteAsync($"[{tiny}]");
            case "/owner/models/resolve/main/folder/tiny.gguf":
                context.Response.Redirect(new Uri(files.Address, "cdn/tiny").ToString());
                return Task.CompletedTask;
            case "/api/models/owner/gated/tree/main":
                context.Response.StatusCode = 403;
                return Task.CompletedTask;
            case "/api/models/owner/garbage/tree/main":
                return context.Response.WriteAsync("""[{"type":"file","path":["a.gguf"]}]""");
            case "/api/models/owner/huge/tree/main":
                return context.Response.WriteAsync($"[{string.Join(',', Enumerable.Range(0, 100_000).Select(i => $$"""{"type":"file","path":"file-{{i}}","size":1}"""))}]");
            case "/api/models/owner/endless/tree/main":
                context.Response.Headers.Link = $"<{server.Address}api/models/owner/endless/tree/main?cursor=again>; rel=\"next\"";
                return context.Response.WriteAsync("[]");
            case "/api/models/owner/lying/tree/main":
                return context.Response.WriteAsync("""[{"type":"file","path":"a.gguf","size":10,"lfs":{"oid":"../../etc/passwd","size":-1}}]""");
            case "/api/models/owner/pointer/tree/main":
                return context.Response.WriteAsync("""[{"type":"file","path":"a.gguf","size":132}]""");
            case "/owner/pointer/resolve/main/a.gguf":
                return context.Response.WriteAsync("version https://git-lfs.github.com/spec/v1\n".PadRight(132, '0'));
            case "/v2/library/tiny/manifests/1b":
                return context.Response.WriteAsync(
                    $$"""{"schemaVersion":2,"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:{{Digest}}","size":{{Tiny.Length}}},{"mediaType":"application/vnd.ollama.image.license","digest":"sha256:{{new string('1', 64)}}","size":10}]}""");
            case "/v2/library/cloud/manifests/latest":
                return context.Response.WriteAsync("""{"schemaVersion":2,"layers":[]}""");
            case "/v2/library/split/manifests/latest":
                var layer = $$"""{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:{{Digest}}","size":5}""";
                return context.Response.WriteAsync($$"""{"layers":[{{layer}},{{layer}}]}""");
            default:
                context.Response.StatusCode = 404;
                return Task.CompletedTask;
        }
    }
}
