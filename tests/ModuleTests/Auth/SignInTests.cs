using System.Net;
using System.Net.Http.Json;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

public sealed class SignInTests(PlatformFixture platform)
{
    // A30. Who is disabled is not told so, even with the right password: it may be somebody else who has it.
    [Fact]
    public async Task Whoever_is_turned_away_gets_one_answer_whatever_the_reason()
    {
        async Task<string> RegisterAsync(string role, bool disabled)
        {
            var email = $"turned.away.{role}@example.com";
            var user = await (await platform.Administrator.PostAsJsonAsync("/api/v1/auth/users", new { email, name = $"Turned away {role}", role, password = PlatformFixture.Password })).JsonAsync();
            (await platform.Administrator.PatchAsJsonAsync($"/api/v1/auth/users/{user.Text("id")}", new { disabled })).EnsureSuccessStatusCode();
            return email;
        }

        async Task<string> AnswerAsync(string email, string password)
        {
            var answer = await platform.Client.PostAsJsonAsync("/api/v1/auth/token", new { email, password });
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
            var headers = answer.Headers.Concat(answer.Content.Headers).Where(h => h.Key != "Date" && !h.Key.Equals("X-Request-Id", StringComparison.OrdinalIgnoreCase));
            return string.Join('\n', headers.Select(h => $"{h.Key}: {string.Join(',', h.Value)}").Order(StringComparer.Ordinal)) + Without(await answer.Content.ReadAsStringAsync(), "traceId");
        }

        var unknown = await AnswerAsync("nobody@example.com", PlatformFixture.Password);
        Assert.Contains("auth.invalid_credentials", unknown, StringComparison.Ordinal);
        Assert.Equal(unknown, await AnswerAsync(PlatformFixture.Email, "wrong password"));
        Assert.Equal(unknown, await AnswerAsync(await RegisterAsync("user", disabled: true), PlatformFixture.Password));
        Assert.Equal(unknown, await AnswerAsync(await RegisterAsync("pending", disabled: false), "wrong password"));
        Assert.Equal(unknown, await AnswerAsync("no address at all", PlatformFixture.Password));
    }

    [Fact]
    public async Task The_eleventh_wrong_password_in_a_row_is_turned_away()
    {
        var statuses = new List<HttpStatusCode>();
        for (var i = 0; i < 11; i++)
        {
            var answer = await platform.Client.PostAsJsonAsync("/api/v1/auth/token", new { email = "guessed@example.com", password = "wrong password" });
            statuses.Add(answer.StatusCode);
        }

        Assert.All(statuses[..10], status => Assert.Equal(HttpStatusCode.Unauthorized, status));
        Assert.Equal(HttpStatusCode.TooManyRequests, statuses[10]);
    }

    [Theory]
    [InlineData("/api/v1/auth/me"), InlineData("/v1/models"), InlineData("/metrics"), InlineData("/openapi/v1.json"), InlineData("/api/v1/admin/audit")]
    public async Task Without_a_credential_every_door_is_shut(string path)
    {
        var answer = await platform.Client.GetAsync(path);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.ToString());
    }

    [Fact]
    public async Task A_refresh_token_works_once_and_twenty_at_a_time_give_one_successor()
    {
        using var user = await platform.UserAsync();
        var pair = await (await platform.Client.PostAsJsonAsync(
            "/api/v1/auth/token", new { email = (await user.GetJsonAsync("/api/v1/auth/me")).Text("email"), password = PlatformFixture.Password })).JsonAsync();
        var refreshToken = pair.Text("refreshToken");
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => platform.Client.PostAsJsonAsync("/api/v1/auth/token/refresh", new { refreshToken })));
        Assert.Equal(1, answers.Count(a => a.StatusCode == HttpStatusCode.OK));
        Assert.Equal(19, answers.Count(a => a.StatusCode == HttpStatusCode.Unauthorized));

        var winner = await answers.Single(a => a.IsSuccessStatusCode).JsonAsync();
        var again = await platform.Client.PostAsJsonAsync("/api/v1/auth/token/refresh", new { refreshToken = winner.Text("refreshToken") });
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
    }

    [Fact]
    public async Task After_signing_out_the_access_token_is_worth_nothing()
    {
        using var user = await platform.UserAsync();
        Assert.Equal(HttpStatusCode.NoContent, (await user.PostAsync("/api/v1/auth/sign-out", null)).StatusCode);
        await Eventually.Async(async () => (await user.GetAsync("/api/v1/auth/me")).StatusCode, status => status == HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_key_is_shown_once_opens_one_road_and_is_dead_when_revoked()
    {
        var created = await (await platform.Administrator.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "program" })).JsonAsync();
        using var program = platform.NewClient(created.Text("key"));
        Assert.Equal(HttpStatusCode.OK, (await program.GetAsync("/v1/models")).StatusCode);
        foreach (var (method, path) in new[] { (HttpMethod.Get, "/api/v1/admin/audit"), (HttpMethod.Delete, "/api/v1/inference/models/none") })
        {
            var refused = await program.SendAsync(new HttpRequestMessage(method, path));
            Assert.Equal((HttpStatusCode.Forbidden, "scope.missing"), (refused.StatusCode, (await refused.JsonAsync()).Text("code")));
        }

        Assert.DoesNotContain(created.Text("key")!, await platform.Administrator.GetStringAsync("/api/v1/auth/api-keys"), StringComparison.Ordinal);

        Assert.Equal(HttpStatusCode.NoContent, (await platform.Administrator.DeleteAsync($"/api/v1/auth/api-keys/{created.Text("id")}")).StatusCode);
        await Eventually.Async(async () => (await program.GetAsync("/v1/models")).StatusCode, status => status == HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_key_that_names_its_models_sees_no_other()
    {
        var created = await (await platform.Administrator.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "narrow", models = new[] { "another" } })).JsonAsync();
        using var program = platform.NewClient(created.Text("key"));
        Assert.Equal(0, (await program.GetJsonAsync("/v1/models")).GetProperty("data").GetArrayLength());
        var answer = await program.PostAsJsonAsync("/v1/completions", new { model = PlatformFixture.Model, prompt = "a" });
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task Somebody_who_is_not_approved_yet_may_do_nothing()
    {
        using var user = await platform.UserAsync("pending");
        Assert.Equal(HttpStatusCode.Forbidden, (await user.GetAsync("/v1/models")).StatusCode);
    }

    [Fact]
    public async Task A_demotion_works_before_the_token_ends()
    {
        using var colleague = await platform.UserAsync("administrator");
        var id = (await colleague.GetJsonAsync("/api/v1/auth/me")).Text("id");
        Assert.Equal(HttpStatusCode.OK, (await colleague.GetAsync("/api/v1/auth/users")).StatusCode);
        (await platform.Administrator.PatchAsJsonAsync($"/api/v1/auth/users/{id}", new { role = "user" })).EnsureSuccessStatusCode();
        await Eventually.Async(async () => (await colleague.GetAsync("/api/v1/auth/users")).StatusCode, status => status == HttpStatusCode.Forbidden);
        (await platform.Administrator.PatchAsJsonAsync($"/api/v1/auth/users/{id}", new { disabled = true })).EnsureSuccessStatusCode();
        await Eventually.Async(async () => (await colleague.GetAsync("/api/v1/auth/me")).StatusCode, status => status == HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task An_ordinary_user_cannot_install_or_register()
    {
        using var user = await platform.UserAsync();
        Assert.Equal(HttpStatusCode.Forbidden, (await user.PostAsJsonAsync("/api/v1/inference/installs", new { source = "https://example.com/a.gguf" })).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await user.PostAsJsonAsync("/api/v1/auth/users", new { email = "x@example.com", name = "x" })).StatusCode);
    }

    [Fact]
    public async Task A_field_that_is_not_theirs_to_set_is_refused_and_changes_nothing()
    {
        using var user = await platform.UserAsync();
        foreach (var body in (object[])[new { name = "x", role = "administrator" }, new { name = "x", emailConfirmed = true }, new { name = "x", quota = 1e9 }, new { name = "x", id = Guid.Empty }])
        {
            var refused = await user.PatchAsJsonAsync("/api/v1/auth/me", body);
            Assert.Equal((HttpStatusCode.BadRequest, "param.unknown"), (refused.StatusCode, (await refused.JsonAsync()).Text("code")));
        }

        Assert.Equal("user", (await user.GetJsonAsync("/api/v1/auth/me")).Text("role"));
    }

    [Fact]
    public async Task An_address_is_taken_once_however_it_is_written()
    {
        var first = await platform.Administrator.PostAsJsonAsync("/api/v1/auth/users", new { email = "Twice@Example.com", name = "One" });
        var second = await platform.Administrator.PostAsJsonAsync("/api/v1/auth/users", new { email = " twice@EXAMPLE.com", name = "Two" });
        Assert.Equal(HttpStatusCode.Created, first.StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, second.StatusCode);
        Assert.Equal("email.taken", (await second.JsonAsync()).Text("code"));
    }

    [Fact]
    public async Task No_event_holds_a_persons_address_or_name_in_the_clear()
    {
        (await platform.Administrator.PostAsJsonAsync("/api/v1/auth/users", new { email = "canary@example.com", name = "Canary Bird" })).EnsureSuccessStatusCode();
        var database = platform.Platform.App.Services.GetRequiredService<NpgsqlDataSource>();
        await using var search = database.CreateCommand(
            """
            select (select count(*) from auth.mt_events where data::text ~* 'canary') + (select count(*) from auth.mt_doc_user where data::text ~* 'canary')
              + (select count(*) from messaging.wolverine_incoming_envelopes where encode(body, 'escape') ~* 'canary')
            """);
        Assert.Equal(0L, await search.ExecuteScalarAsync());
        await using var all = database.CreateCommand("select count(*) from auth.mt_events");
        Assert.NotEqual(0L, await all.ExecuteScalarAsync());
    }

    private static string Without(string json, string name)
    {
        var node = System.Text.Json.Nodes.JsonNode.Parse(json)!.AsObject();
        node.Remove(name);
        return node.ToJsonString();
    }
}
