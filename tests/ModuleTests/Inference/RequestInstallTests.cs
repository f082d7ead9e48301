using System.Net;
using System.Net.Http.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class RequestInstallTests(PlatformFixture platform)
{
    public static TheoryData<string, string> BadSources => new()
    {
        { "/etc/passwd", "url.syntax" },
        { "not an address", "url.syntax" },
        { "file:///etc/passwd", "source.not_allowed" },
        { "ftp://example.com/a.gguf", "url.scheme" },
        { "gopher://example.com/a.gguf", "url.scheme" },
        { "data:text/plain,a", "url.scheme" },
        { "http://user@example.com/a.gguf", "url.syntax" },
        { "http://169.254.169.254/latest", "url.address_blocked" },
        { "http://192.168.1.1/a.gguf", "url.address_blocked" },
        { "http://[::1]/a.gguf", "url.address_blocked" },
        { "http://[fd00::1]/a.gguf", "url.address_blocked" },
        { "http://[::ffff:169.254.169.254]/a.gguf", "url.address_blocked" },
        { "http://0x0a000001/a.gguf", "url.address_blocked" },
        { "http://0/a.gguf", "url.address_blocked" },
        { "hf://owner/repo", "url.syntax" },
        { "hf://owner/repo/../../etc/a.gguf", "url.syntax" },
        { "hf://owner/repo//a.gguf", "url.syntax" },
        { "hf://owner/repo/pytorch_model.bin", "source.not_gguf" },
        { "hf://owner/repo/a-00001-of-00003.gguf", "gguf.split" },
        { "ollama://", "url.syntax" },
        { "ollama://a/b/c", "url.syntax" },
        { "ollama://name:tag?x", "url.syntax" },
    };

    [Theory, MemberData(nameof(BadSources))]
    public async Task A_source_that_cannot_be_right_is_refused_at_once(string source, string code)
    {
        var answer = await platform.Administrator.PostAsJsonAsync("/api/v1/inference/installs", new { source, name = "never" });
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        Assert.Equal(code, (await answer.JsonAsync()).Text("code"));
    }

    [Theory]
    [InlineData("empty", new byte[0], "gguf.empty")]
    [InlineData("four", new byte[] { 0x47, 0x47, 0x55, 0x46 }, "gguf.truncated")]
    [InlineData("html", new byte[] { 0x3c, 0x68, 0x74, 0x6d, 0x6c, 0x3e, 0x3c, 0x2f, 0x68, 0x74, 0x6d, 0x6c, 0x3e, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20 }, "gguf.magic")]
    public async Task A_file_that_is_no_model_fails_with_a_reason_and_leaves_nothing(string name, byte[] content, string code)
    {
        await File.WriteAllBytesAsync(Path.Combine(platform.Imports, $"{name}.gguf"), content);
        var install = await platform.Administrator.InstallAsync($"file://{platform.Imports}/{name}.gguf", name);
        await AssertFailedAsync(install, code, name);
    }

    [Fact]
    public async Task A_truncated_model_fails_and_leaves_nothing()
    {
        var whole = await File.ReadAllBytesAsync(TinyModel.Path);
        await File.WriteAllBytesAsync(Path.Combine(platform.Imports, "short.gguf"), whole[..(whole.Length / 2)]);
        var install = await platform.Administrator.InstallAsync($"file://{platform.Imports}/short.gguf", "short");
        await AssertFailedAsync(install, "gguf.extent", "short");
    }

    [Fact]
    public async Task A_file_that_is_not_there_fails()
    {
        var install = await platform.Administrator.InstallAsync($"file://{platform.Imports}/nowhere.gguf", "nowhere");
        await AssertFailedAsync(install, "source.not_found", "nowhere");
    }

    [Fact]
    public async Task A_file_with_another_hash_than_was_given_fails()
    {
        var install = await platform.Administrator.InstallAsync($"file://{platform.Imports}/model.gguf", "hashed", new string('0', 64));
        await AssertFailedAsync(install, "model.hash_mismatch", "hashed");
    }

    [Fact]
    public async Task A_name_that_is_taken_is_refused()
    {
        var answer = await platform.Administrator.PostAsJsonAsync(
            "/api/v1/inference/installs", new { source = $"file://{platform.Imports}/model.gguf", name = PlatformFixture.Model });
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        Assert.Equal("model.name_taken", (await answer.JsonAsync()).Text("code"));
    }

    [Theory]
    [InlineData("Upper"), InlineData("../up"), InlineData("a b"), InlineData(""), InlineData("a:b:c")]
    public async Task A_name_that_is_no_name_is_refused(string name)
    {
        var answer = await platform.Administrator.PostAsJsonAsync("/api/v1/inference/installs", new { source = "https://example.com/a.gguf", name });
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("model.name_invalid", (await answer.JsonAsync()).Text("code"));
    }

    [Fact]
    public async Task Of_ten_requests_for_one_name_at_once_one_is_taken()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => platform.Administrator.PostAsJsonAsync(
            "/api/v1/inference/installs", new { source = $"file://{platform.Imports}/model.gguf", name = "contended" })));
        Assert.Equal(1, answers.Count(a => a.StatusCode == HttpStatusCode.Accepted));
        Assert.Equal(9, answers.Count(a => a.StatusCode == HttpStatusCode.Conflict));
    }

    [Fact]
    public async Task A_download_that_redirects_to_a_closed_address_fails_and_never_gets_there()
    {
        await using var server = await FileServer.StartAsync(context =>
        {
            context.Response.Redirect("http://169.254.169.254/latest");
            return Task.CompletedTask;
        });
        var install = await platform.Administrator.InstallAsync(new Uri(server.Address, "a.gguf").ToString(), "redirected");
        await AssertFailedAsync(install, "url.redirect_blocked", "redirected");
    }

    [Fact]
    public async Task A_download_larger_than_the_disk_fails_before_its_first_byte()
    {
        await using var server = await FileServer.StartAsync(context =>
        {
            context.Response.ContentLength = 1L << 50;
            return context.Response.Body.WriteAsync(new byte[1]).AsTask();
        });
        var install = await platform.Administrator.InstallAsync(new Uri(server.Address, "a.gguf").ToString(), "huge");
        await AssertFailedAsync(install, "disk.insufficient", "huge");
    }

    [Fact]
    public async Task A_model_that_is_downloaded_is_found_audited_used_and_deleted_again()
    {
        using var model = new MemoryStream();
        TinyModel.Write(model, TinyShape.Tiny, seed: 5041); // no other model has this file
        var bytes = model.ToArray();
        await using var server = await FileServer.StartAsync(context => context.Response.Body.WriteAsync(bytes).AsTask());
        var install = await platform.Administrator.InstallAsync(new Uri(server.Address, "tiny.gguf").ToString(), "roundtrip");
        Assert.Equal("succeeded", install.Text("state"));
        Assert.Equal(bytes.Length, install.GetProperty("completedBytes").GetInt64());
        await Eventually.Async(() => platform.Administrator.GetStringAsync("/api/v1/explore/models?query=ROUNDTRIP"), found => found.Contains("roundtrip"));
        await Eventually.Async(() => platform.Administrator.GetStringAsync("/api/v1/admin/audit?target=model:roundtrip"), found => found.Contains("inference.model_installed"));
        var answer = await platform.Administrator.PostAsJsonAsync("/v1/completions", new { model = "roundtrip", prompt = "a", max_tokens = 3 });
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);

        var digest = (await platform.Administrator.GetJsonAsync("/api/v1/inference/models/roundtrip")).Text("digest")!;
        Assert.Equal(HttpStatusCode.Accepted, (await platform.Administrator.DeleteAsync("/api/v1/inference/models/roundtrip")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await platform.Administrator.GetAsync("/api/v1/inference/models/roundtrip")).StatusCode);
        await Eventually.Async(() => platform.Administrator.GetStringAsync("/api/v1/explore/models?query=roundtrip"), found => !found.Contains("roundtrip"));
        await Eventually.Async(() => Task.FromResult(File.Exists(platform.BlobOf(digest))), exists => !exists);
    }

    private async Task AssertFailedAsync(System.Text.Json.JsonElement install, string code, string name)
    {
        Assert.Equal("failed", install.Text("state"));
        Assert.Equal(code, install.GetProperty("error").Text("code"));
        Assert.Equal(HttpStatusCode.NotFound, (await platform.Administrator.GetAsync($"/api/v1/inference/models/{name}")).StatusCode);
        await Eventually.Async(
            () => Task.FromResult(File.Exists(platform.PartialOf(install.Text("source")!))), exists => exists == install.GetProperty("canResume").GetBoolean());
    }
}
