using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

public sealed class SessionTests(PlatformFixture platform)
{
    private const string Sessions = "/api/v1/auth/sessions";

    [Fact]
    public async Task Somebody_sees_and_ends_their_own_sessions_and_nobody_elses()
    {
        using var here = await platform.UserAsync();
        var email = (await here.GetJsonAsync("/api/v1/auth/me")).Text("email")!;
        using var there = await platform.SignInAsync(email, PlatformFixture.Password);
        using var stranger = await platform.UserAsync();

        var open = await ListAsync(here);
        Assert.Equal(2, open.Count);
        Assert.Equal(1, open.Count(s => s.GetProperty("isCurrent").GetBoolean()));
        var other = open.Single(s => !s.GetProperty("isCurrent").GetBoolean()).Text("id");
        Assert.Equal(HttpStatusCode.NotFound, (await stranger.DeleteAsync($"{Sessions}/{other}")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await platform.Administrator.DeleteAsync($"{Sessions}/{other}")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await platform.Client.GetAsync(Sessions)).StatusCode);

        Assert.Equal(HttpStatusCode.NoContent, (await here.DeleteAsync($"{Sessions}/{other}")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await here.DeleteAsync($"{Sessions}/{other}")).StatusCode);
        Assert.Single(await ListAsync(here));
        await Eventually.Async(() => StatusAsync(there), status => status == HttpStatusCode.Unauthorized); // remembered for some seconds
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(here));
    }

    [Fact]
    public async Task Who_signs_out_everywhere_else_stays_here_and_their_old_refresh_tokens_are_dead()
    {
        using var here = await platform.UserAsync();
        var email = (await here.GetJsonAsync("/api/v1/auth/me")).Text("email")!;
        var pair = await (await platform.Client.PostAsJsonAsync("/api/v1/auth/token", new { email, password = PlatformFixture.Password })).JsonAsync();
        Assert.Equal(HttpStatusCode.NoContent, (await here.DeleteAsync($"{Sessions}?exceptCurrent=true")).StatusCode);
        Assert.True(Assert.Single(await ListAsync(here)).GetProperty("isCurrent").GetBoolean());
        var refused = await platform.Client.PostAsJsonAsync("/api/v1/auth/token/refresh", new { refreshToken = pair.Text("refreshToken") });
        Assert.Equal((HttpStatusCode.Unauthorized, "refresh.invalid"), (refused.StatusCode, (await refused.JsonAsync()).Text("code")));

        Assert.Equal(HttpStatusCode.NoContent, (await here.DeleteAsync(Sessions)).StatusCode);
        await Eventually.Async(() => StatusAsync(here), status => status == HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task An_administrator_signs_somebody_out_everywhere_and_nobody_else_does()
    {
        using var user = await platform.UserAsync();
        using var stranger = await platform.UserAsync();
        var id = (await user.GetJsonAsync("/api/v1/auth/me")).Text("id");
        Assert.Equal(HttpStatusCode.Forbidden, (await stranger.DeleteAsync($"/api/v1/auth/users/{id}/sessions")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await platform.Administrator.DeleteAsync($"/api/v1/auth/users/{Guid.CreateVersion7()}/sessions")).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await platform.Administrator.DeleteAsync($"/api/v1/auth/users/{id}/sessions")).StatusCode);
        await Eventually.Async(() => StatusAsync(user), status => status == HttpStatusCode.Unauthorized);
        await Eventually.Async(
            () => platform.Administrator.GetStringAsync($"/api/v1/admin/audit?target=user:{id}"), found => found.Contains("auth.signed_out_everywhere", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(stranger));
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client) => (await client.GetAsync("/api/v1/auth/me")).StatusCode;

    private static async Task<IReadOnlyList<JsonElement>> ListAsync(HttpClient client) => [.. (await client.GetJsonAsync(Sessions)).GetProperty("items").EnumerateArray()];
}
