using System.Net;
using System.Net.Http.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

public sealed class SaveGroupTests(PlatformFixture platform)
{
    private const string Groups = "/api/v1/auth/groups/";

    [Fact]
    public async Task Groups_are_for_administrators_and_for_keys_that_can_be_typed()
    {
        using var user = await platform.UserAsync();
        Assert.Equal(HttpStatusCode.Forbidden, (await user.PutAsJsonAsync(Groups + "mine", new { title = "Mine" })).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await user.GetAsync("/api/v1/auth/groups")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await platform.Client.GetAsync("/api/v1/auth/groups")).StatusCode);
        var wrong = await platform.Administrator.PutAsJsonAsync(Groups + "Not%20a%20key", new { title = "Key" });
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "group.key_invalid"), (wrong.StatusCode, (await wrong.JsonAsync()).Text("code")));
        var untitled = await platform.Administrator.PutAsJsonAsync(Groups + "untitled", new { title = " " });
        Assert.Equal((HttpStatusCode.BadRequest, "group.title_invalid"), (untitled.StatusCode, (await untitled.JsonAsync()).Text("code")));
    }

    [Fact]
    public async Task Nobody_joins_a_group_that_is_not_there_and_no_group_takes_somebody_who_is_not()
    {
        await SaveAsync("lonely");
        var me = await IdAsync(platform.Administrator);
        Assert.Equal("group.not_found", await RefusalAsync(await platform.Administrator.PutAsync($"{Groups}nobodys/members/{me}", null)));
        Assert.Equal("user.not_found", await RefusalAsync(await platform.Administrator.PutAsync($"{Groups}lonely/members/{Guid.CreateVersion7()}", null)));
        Assert.Equal("group.not_found", await RefusalAsync(await platform.Administrator.DeleteAsync($"{Groups}nobodys")));
    }

    [Fact]
    public async Task Whoever_is_in_a_group_may_use_its_models_and_whoever_leaves_may_not_with_tokens_and_keys_they_have()
    {
        await SaveAsync("readers");
        await platform.Administrator.EnsureInstalledAsync(platform, "for-readers");
        (await platform.Administrator.PutAsJsonAsync("/api/v1/inference/models/for-readers/rights", new { everyone = false, groups = new[] { "readers" } })).EnsureSuccessStatusCode();
        using var user = await platform.UserAsync();
        var id = await IdAsync(user);
        using var key = platform.NewClient((await (await user.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "mine" })).JsonAsync()).Text("key"));
        Assert.Equal(HttpStatusCode.NotFound, await UseAsync(user));

        for (var i = 0; i < 2; i++) // twice is once
        {
            Assert.Equal(HttpStatusCode.NoContent, (await platform.Administrator.PutAsync($"{Groups}readers/members/{id}", null)).StatusCode);
        }

        // Credentials are remembered for some seconds.
        await Eventually.Async(() => UseAsync(user), status => status == HttpStatusCode.OK);
        await Eventually.Async(() => UseAsync(key), status => status == HttpStatusCode.OK);
        Assert.Equal(1, await MembersAsync("readers"));
        Assert.Contains("readers", await user.GetStringAsync("/api/v1/auth/me"), StringComparison.Ordinal);

        Assert.Equal(HttpStatusCode.NoContent, (await platform.Administrator.DeleteAsync($"{Groups}readers/members/{id}")).StatusCode);
        await Eventually.Async(() => UseAsync(user), status => status == HttpStatusCode.NotFound);
        await Eventually.Async(() => UseAsync(key), status => status == HttpStatusCode.NotFound);
        await Eventually.Async(() => platform.Administrator.GetStringAsync($"/api/v1/admin/audit?target=user:{id}"), found => found.Contains("auth.group_left"));
    }

    [Fact]
    public async Task A_deleted_group_leaves_nobody_for_the_next_one_of_its_key()
    {
        await SaveAsync("passing");
        using var user = await platform.UserAsync();
        (await platform.Administrator.PutAsync($"{Groups}passing/members/{await IdAsync(user)}", null)).EnsureSuccessStatusCode();
        Assert.Equal(1, await MembersAsync("passing"));
        Assert.Equal(HttpStatusCode.NoContent, (await platform.Administrator.DeleteAsync($"{Groups}passing")).StatusCode);
        await SaveAsync("passing");
        Assert.Equal(0, await MembersAsync("passing"));
    }

    [Fact]
    public async Task A_group_lets_its_members_do_what_it_grants_and_nothing_more()
    {
        using var user = await platform.UserAsync();
        await SaveAsync("keepers", "models", "quotas");
        (await platform.Administrator.PutAsync($"{Groups}keepers/members/{await IdAsync(user)}", null)).EnsureSuccessStatusCode();
        await Eventually.Async(() => StatusAsync(user, "/api/v1/inference/installs"), status => status == HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(user, "/api/v1/auth/quotas"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(user, "/api/v1/admin/usage"));
        foreach (var closed in (string[])["/api/v1/admin/audit", "/metrics", "/api/v1/auth/users", "/api/v1/auth/groups", "/openapi/v1.json"])
        {
            Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(user, closed));
        }

        // Whoever may manage models cannot give themselves more.
        Assert.Equal(HttpStatusCode.Forbidden, (await user.PutAsJsonAsync($"{Groups}keepers", new { title = "Mine", permissions = new[] { "audit" } })).StatusCode);
        await SaveAsync("keepers"); // leaves the permissions as they are
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(user, "/api/v1/auth/quotas"));
        await SaveAsync("keepers", "audit");
        await Eventually.Async(() => StatusAsync(user, "/api/v1/inference/installs"), status => status == HttpStatusCode.Forbidden);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(user, "/api/v1/admin/audit"));
    }

    [Fact]
    public async Task A_permission_that_is_none_is_refused()
    {
        var answer = await platform.Administrator.PutAsJsonAsync($"{Groups}odd", new { title = "Odd", permissions = new[] { "everything" } });
        Assert.Equal((HttpStatusCode.BadRequest, "permission.unknown"), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string path) => (await client.GetAsync(path)).StatusCode;

    private static async Task<HttpStatusCode> UseAsync(HttpClient client) =>
        (await client.PostAsJsonAsync("/v1/completions", new { model = "for-readers", prompt = "a", max_tokens = 1 })).StatusCode;

    private static async Task<string?> RefusalAsync(HttpResponseMessage answer)
    {
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        return (await answer.JsonAsync()).Text("code");
    }

    private static async Task<string> IdAsync(HttpClient client) => (await client.GetJsonAsync("/api/v1/auth/me")).Text("id")!;

    private async Task<int> MembersAsync(string key) =>
        (await platform.Administrator.GetJsonAsync("/api/v1/auth/groups")).GetProperty("items").EnumerateArray().Single(group => group.Text("key") == key).GetProperty("members").GetInt32();

    private async Task SaveAsync(string key, params string[] permissions) =>
        (await platform.Administrator.PutAsJsonAsync(Groups + key, new { title = $"The {key}", permissions = permissions.Length == 0 ? null : permissions })).EnsureSuccessStatusCode();
}
