using System.Net;
using System.Net.Http.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

/// <summary>What runs for somebody ends within five seconds of their right to it, and says so.</summary>
public sealed class RevocationTests(PlatformFixture platform)
{
    private const string Model = "endless";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task A_running_answer_ends_with_its_reason_soon_after_its_user_its_key_or_its_session_does()
    {
        await InstallAsync();
        using var disabled = await platform.UserAsync();
        using var unkeyed = await platform.UserAsync();
        using var signedOut = await platform.UserAsync();
        using var untouched = await platform.UserAsync();
        var key = await (await unkeyed.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "to be revoked" })).JsonAsync();
        using var program = platform.NewClient(key.Text("key"));
        var id = (await disabled.GetJsonAsync("/api/v1/auth/me")).Text("id");

        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        Stream[] streams = [.. await Task.WhenAll(OpenAsync(disabled, leaving.Token), OpenAsync(program, leaving.Token), OpenAsync(signedOut, leaving.Token))];
        var whole = disabled.PostAsJsonAsync("/v1/chat/completions", Request(stream: false), leaving.Token);
        var kept = await OpenAsync(untouched, leaving.Token);

        (await platform.Administrator.PatchAsJsonAsync($"/api/v1/auth/users/{id}", new { disabled = true }, leaving.Token)).EnsureSuccessStatusCode();
        (await unkeyed.DeleteAsync($"/api/v1/auth/api-keys/{key.Text("id")}", leaving.Token)).EnsureSuccessStatusCode();
        (await signedOut.PostAsync("/api/v1/auth/sign-out", null, leaving.Token)).EnsureSuccessStatusCode();
        var since = TimeProvider.System.GetTimestamp();

        foreach (var stream in streams)
        {
            using var reader = new StreamReader(stream);
            var events = (await reader.ReadToEndAsync(leaving.Token)).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
            Assert.Contains("token.revoked", events[^1], StringComparison.Ordinal);
            Assert.StartsWith("data: {\"error\":", events[^1], StringComparison.Ordinal);
        }

        var answer = await whole;
        Assert.Equal((HttpStatusCode.Unauthorized, "token.revoked"), (answer.StatusCode, (await answer.JsonAsync()).GetProperty("error").Text("code")));
        Assert.True(TimeProvider.System.GetElapsedTime(since) < Limit, $"It took {TimeProvider.System.GetElapsedTime(since)}.");

        // The engine is rid of them too, and nobody else's answer ended.
        await Eventually.Async(() => Task.FromResult(platform.RunningOf(Model)), running => running == 1);
        Assert.True(await kept.ReadAsync(new byte[1], leaving.Token) == 1);
        await kept.DisposeAsync();
        await Eventually.Async(() => Task.FromResult(platform.RunningOf(Model)), running => running == 0);
        (await platform.Administrator.DeleteAsync($"/api/v1/inference/models/{Model}", TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
    }

    private async Task InstallAsync()
    {
        var path = Path.Combine(platform.Imports, "endless.gguf");
        await using (var file = File.Create(path))
        {
            TinyModel.Write(file, TinyShape.Medium, seed: 3);
        }

        Assert.Equal("succeeded", (await platform.Administrator.InstallAsync($"file://{path}", Model)).Text("state"));
    }

    private static object Request(bool stream) => new { model = Model, messages = new[] { new { role = "user", content = "Go on" } }, stream, ignore_eos = true, max_tokens = 3900 };

    private static async Task<Stream> OpenAsync(HttpClient client, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = JsonContent.Create(Request(stream: true)) };
        var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadAsStreamAsync(cancellation);
    }
}
