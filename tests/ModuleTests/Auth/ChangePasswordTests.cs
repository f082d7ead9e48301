using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

public sealed class ChangePasswordTests(PlatformFixture platform)
{
    private const string NewPassword = "quite another battery";

    [Fact]
    public async Task The_old_password_and_every_other_session_are_worth_nothing_afterwards()
    {
        using var here = await platform.UserAsync();
        var me = await here.GetJsonAsync("/api/v1/auth/me");
        var email = me.Text("email")!;
        var elsewhere = await PairAsync(email, PlatformFixture.Password);
        using var there = platform.NewClient(elsewhere.Text("accessToken"));
        var link = await (await platform.Administrator.PostAsync($"/api/v1/auth/users/{me.Text("id")}/password-reset", null)).JsonAsync();

        await RefusedAsync(here, "a wrong guess", NewPassword, HttpStatusCode.Forbidden, "password.wrong");
        await RefusedAsync(here, PlatformFixture.Password, "short", HttpStatusCode.BadRequest, "password.length");
        await RefusedAsync(here, PlatformFixture.Password, "Qwertyuiop", HttpStatusCode.BadRequest, "password.common");
        await RefusedAsync(here, PlatformFixture.Password, email.ToUpperInvariant(), HttpStatusCode.BadRequest, "password.personal");
        Assert.Equal(HttpStatusCode.NoContent, (await ChangeAsync(here, PlatformFixture.Password, NewPassword)).StatusCode);

        var refreshed = await platform.Client.PostAsJsonAsync("/api/v1/auth/token/refresh", new { refreshToken = elsewhere.Text("refreshToken") });
        Assert.Equal(HttpStatusCode.Unauthorized, refreshed.StatusCode);
        await Eventually.Async(async () => (await there.GetAsync("/api/v1/auth/me")).StatusCode, status => status == HttpStatusCode.Unauthorized); // remembered for some seconds
        Assert.Equal(HttpStatusCode.OK, (await here.GetAsync("/api/v1/auth/me")).StatusCode);
        var old = await platform.Client.PostAsJsonAsync("/api/v1/auth/token", new { email, password = PlatformFixture.Password });
        Assert.Equal(HttpStatusCode.Unauthorized, old.StatusCode);
        Assert.NotNull((await PairAsync(email, NewPassword)).Text("accessToken"));

        var late = await CompletePasswordResetTests.CompleteAsync(platform.Client, link.Text("link")!, "a third battery");
        Assert.Equal(HttpStatusCode.Unauthorized, late.StatusCode);
    }

    [Fact]
    public async Task Nobody_changes_a_password_without_signing_in() =>
        Assert.Equal(HttpStatusCode.Unauthorized, (await ChangeAsync(platform.Client, PlatformFixture.Password, NewPassword)).StatusCode);

    private async Task<JsonElement> PairAsync(string email, string password) =>
        await (await platform.Client.PostAsJsonAsync("/api/v1/auth/token", new { email, password })).JsonAsync();

    private static Task<HttpResponseMessage> ChangeAsync(HttpClient client, string currentPassword, string newPassword) =>
        client.PostAsJsonAsync("/api/v1/auth/me/password", new { currentPassword, newPassword });

    private static async Task RefusedAsync(HttpClient client, string currentPassword, string newPassword, HttpStatusCode status, string code)
    {
        var answer = await ChangeAsync(client, currentPassword, newPassword);
        Assert.Equal((status, code), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }
}
