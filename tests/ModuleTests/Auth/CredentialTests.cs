using System.Net;
using System.Net.Http.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

/// <summary>A39 and A40: what an API key opens, and where it may stand.</summary>
public sealed class CredentialTests(PlatformFixture platform)
{
    public static TheoryData<string, string> Closed => new()
    {
        { "GET", "/api/v1/inference/models" },
        { "POST", "/api/v1/inference/installs" },
        { "GET", "/api/v1/explore/models" },
        { "GET", "/api/v1/admin/audit" },
        { "GET", "/api/v1/auth/users" },
        { "PUT", "/api/v1/auth/groups/a" },
        { "GET", "/api/v1/auth/sessions" },
        { "POST", "/api/v1/auth/api-keys" },
        { "GET", "/metrics" },
        { "DELETE", "/api/delete" },
    };

    [Theory, MemberData(nameof(Closed))]
    public async Task A_key_for_generating_text_opens_no_other_door_whoever_has_it_and_however_it_is_sent(string method, string path)
    {
        var key = await KeyAsync(platform.Administrator);
        foreach (var (header, value) in ((string, string)[])[("Authorization", $"Bearer {key}"), ("Authorization", key), ("x-api-key", key)])
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            request.Headers.TryAddWithoutValidation(header, value);
            var answer = await platform.Client.SendAsync(request, TestContext.Current.CancellationToken);
            var body = await answer.Content.ReadAsStringAsync();
            Assert.True(answer.StatusCode == HttpStatusCode.Forbidden && (body.Contains("scope.missing", StringComparison.Ordinal) || body.Contains("lacks the scope", StringComparison.Ordinal)), $"{header}: {(int)answer.StatusCode} {body}");
        }
    }

    [Fact]
    public async Task A_key_is_good_in_its_two_headers_and_nowhere_else()
    {
        var key = await KeyAsync(platform.Administrator);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/v1/models", "Authorization", $"Bearer {key}"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/v1/models", "x-api-key", key));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync($"/v1/models?key={key}&api_key={key}&access_token={key}", "Accept", "*/*"));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync("/v1/models", "Cookie", $"key={key}; token={key}; Authorization={key}"));
    }

    [Fact]
    public async Task A_key_that_is_almost_right_is_wrong()
    {
        var key = await KeyAsync(platform.Administrator);
        foreach (var wrong in (string[])[key[..^1], key + "a", key.ToUpperInvariant(), key[..^1] + (key[^1] == 'a' ? 'b' : 'a'), key.Split('_')[0], "sk-", new string('a', 5000)])
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync("/v1/models", "x-api-key", wrong));
        }
    }

    [Fact]
    public async Task A_key_ends_with_its_owner_and_with_its_time()
    {
        using var user = await platform.UserAsync();
        var (key, id) = (await KeyAsync(user), (await user.GetJsonAsync("/api/v1/auth/me")).Text("id"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/v1/models", "x-api-key", key));
        (await platform.Administrator.PatchAsJsonAsync($"/api/v1/auth/users/{id}", new { disabled = true })).EnsureSuccessStatusCode();
        await Eventually.Async(() => StatusAsync("/v1/models", "x-api-key", key), status => status == HttpStatusCode.Unauthorized);

        var brief = await KeyAsync(platform.Administrator, TimeProvider.System.GetUtcNow().AddSeconds(2));
        await Eventually.Async(() => StatusAsync("/v1/models", "x-api-key", brief), status => status == HttpStatusCode.Unauthorized);
    }

    private static async Task<string> KeyAsync(HttpClient owner, DateTimeOffset? expiresAt = null) =>
        (await (await owner.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "a program", expiresAt })).JsonAsync()).Text("key")!;

    private async Task<HttpStatusCode> StatusAsync(string path, string header, string value)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation(header, value);
        return (await platform.Client.SendAsync(request, TestContext.Current.CancellationToken)).StatusCode;
    }
}
