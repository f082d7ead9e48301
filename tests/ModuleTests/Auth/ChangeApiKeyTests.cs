using System.Net;
using System.Net.Http.Json;
using LlmPlatform.Auth.ApiKeys;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

public sealed class ChangeApiKeyTests(PlatformFixture platform)
{
    [Fact]
    public async Task A_key_for_one_network_is_good_there_and_nowhere_else()
    {
        using var user = await platform.UserAsync();
        var created = await (await user.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "office", networks = new[] { "192.0.2.0/24" } })).JsonAsync();
        using var program = platform.NewClient(created.Text("key"));
        Assert.Equal(HttpStatusCode.Unauthorized, (await program.GetAsync("/v1/models")).StatusCode);
        await ChangeAsync(user, created.Text("id"), new { networks = new[] { "192.0.2.0/24", "127.0.0.0/8" } });
        await Eventually.Async(async () => (await program.GetAsync("/v1/models")).StatusCode, status => status == HttpStatusCode.OK);
        await ChangeAsync(user, created.Text("id"), new { networks = new[] { "2001:db8::/32" } });
        await Eventually.Async(async () => (await program.GetAsync("/v1/models")).StatusCode, status => status == HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("192.0.2.0/24", "192.0.2.9", true), InlineData("192.0.2.0/24", "::ffff:192.0.2.9", true), InlineData("192.0.2.0/24", "192.0.3.1", false)]
    [InlineData("2001:db8::/32", "2001:db8::1", true), InlineData("2001:db8::/32", "2001:db9::1", false), InlineData("2001:db8::/32", "192.0.2.1", false)]
    public void A_network_holds_an_address(string network, string address, bool holds) =>
        Assert.Equal(holds, new ApiKey { UserId = default, Prefix = "", SecretHash = [], SealedName = "", Scopes = [], Models = [], Networks = [network] }.IsFor(IPAddress.Parse(address)));

    [Theory]
    [InlineData("192.0.2.0/-1"), InlineData("192.0.2.0/33"), InlineData("office"), InlineData("")]
    public async Task A_network_that_is_none_is_refused(string network)
    {
        var answer = await platform.Administrator.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "x", networks = new[] { network } });
        Assert.Equal((HttpStatusCode.BadRequest, "network.invalid"), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }

    [Fact]
    public async Task Nobody_changes_or_rotates_the_key_of_somebody_else()
    {
        using var owner = await platform.UserAsync();
        using var other = await platform.UserAsync();
        var id = (await (await owner.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "mine" })).JsonAsync()).Text("id");
        foreach (var client in (HttpClient[])[other, platform.Administrator])
        {
            Assert.Equal(HttpStatusCode.NotFound, (await client.PatchAsJsonAsync($"/api/v1/auth/api-keys/{id}", new { name = "theirs" })).StatusCode);
            Assert.Equal(HttpStatusCode.NotFound, (await client.PostAsJsonAsync($"/api/v1/auth/api-keys/{id}/rotate", new { })).StatusCode);
            Assert.Equal(HttpStatusCode.NotFound, (await client.DeleteAsync($"/api/v1/auth/api-keys/{id}")).StatusCode);
        }
    }

    [Fact]
    public async Task A_key_that_may_do_everything_still_makes_no_key_and_lifts_no_limit_of_its_own()
    {
        var created = await (await platform.Administrator.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "all", scopes = new[] { "*" }, networks = new[] { "127.0.0.0/8" } })).JsonAsync();
        using var program = platform.NewClient(created.Text("key"));
        foreach (var answer in (HttpResponseMessage[])
            [
                await program.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "child" }),
                await program.PatchAsJsonAsync($"/api/v1/auth/api-keys/{created.Text("id")}", new { networks = Array.Empty<string>() }),
                await program.PostAsJsonAsync($"/api/v1/auth/api-keys/{created.Text("id")}/rotate", new { }),
            ])
        {
            Assert.Equal((HttpStatusCode.Forbidden, "api_key.not_by_key"), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
        }
    }

    [Fact]
    public async Task What_is_left_out_stays_and_what_is_emptied_goes()
    {
        using var user = await platform.UserAsync();
        var id = (await (await user.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "first", models = new[] { "a" }, budget = new { tokensPerDay = 5 } })).JsonAsync()).Text("id");
        await ChangeAsync(user, id, new { name = "second" });
        var key = (await user.GetJsonAsync("/api/v1/auth/api-keys")).GetProperty("items")[0];
        Assert.Equal(("second", 1, 5), (key.Text("name"), key.GetProperty("models").GetArrayLength(), key.GetProperty("budget").GetProperty("tokensPerDay").GetInt32()));
        await ChangeAsync(user, id, new { models = Array.Empty<string>(), budget = new { } });
        key = (await user.GetJsonAsync("/api/v1/auth/api-keys")).GetProperty("items")[0];
        Assert.Equal((0, System.Text.Json.JsonValueKind.Null), (key.GetProperty("models").GetArrayLength(), key.GetProperty("budget").ValueKind));
        Assert.Equal(HttpStatusCode.BadRequest, (await user.PatchAsJsonAsync($"/api/v1/auth/api-keys/{id}", new { budget = new { tokensPerDay = -1 } })).StatusCode);
    }

    [Fact]
    public async Task When_a_key_was_used_last_is_told_soon_after()
    {
        using var user = await platform.UserAsync();
        var created = await (await user.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "used" })).JsonAsync();
        Assert.Equal(System.Text.Json.JsonValueKind.Null, (await user.GetJsonAsync("/api/v1/auth/api-keys")).GetProperty("items")[0].GetProperty("lastUsedAt").ValueKind);
        using var program = platform.NewClient(created.Text("key"));
        await program.GetAsync("/v1/models");
        await Eventually.Async(
            () => user.GetJsonAsync("/api/v1/auth/api-keys"),
            keys => keys.GetProperty("items")[0].GetProperty("lastUsedAt") is { ValueKind: not System.Text.Json.JsonValueKind.Null } at && at.GetDateTimeOffset() >= created.GetProperty("createdAt").GetDateTimeOffset());
    }

    private static async Task ChangeAsync(HttpClient user, string? id, object change) =>
        Assert.Equal(HttpStatusCode.OK, (await user.PatchAsJsonAsync($"/api/v1/auth/api-keys/{id}", change)).StatusCode);
}
