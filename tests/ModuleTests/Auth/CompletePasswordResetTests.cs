using System.Net;
using System.Net.Http.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

public sealed class CompletePasswordResetTests(PlatformFixture platform)
{
    private const string NewPassword = "remembered from now on";

    [Fact]
    public async Task A_link_of_an_administrator_sets_one_new_password_and_ends_every_session()
    {
        using var user = await platform.UserAsync();
        var me = await user.GetJsonAsync("/api/v1/auth/me");
        Assert.Equal(HttpStatusCode.Forbidden, (await user.PostAsync($"/api/v1/auth/users/{me.Text("id")}/password-reset", null)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await platform.Administrator.PostAsync($"/api/v1/auth/users/{Guid.CreateVersion7()}/password-reset", null)).StatusCode);
        var first = await LinkAsync(me.Text("id")!);
        var second = await LinkAsync(me.Text("id")!);
        Assert.Equal(HttpStatusCode.Unauthorized, (await CompleteAsync(platform.Client, first, NewPassword)).StatusCode); // only the newest counts
        var personal = await CompleteAsync(platform.Client, second, me.Text("email")!);
        Assert.Equal((HttpStatusCode.BadRequest, "password.personal"), (personal.StatusCode, (await personal.JsonAsync()).Text("code")));

        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(i => CompleteAsync(platform.Client, second, $"{NewPassword} {i}")));
        var winner = Assert.Single(Enumerable.Range(0, 5), i => answers[i].StatusCode == HttpStatusCode.NoContent);
        await Eventually.Async(async () => (await user.GetAsync("/api/v1/auth/me")).StatusCode, status => status == HttpStatusCode.Unauthorized);
        using var again = await platform.SignInAsync(me.Text("email")!, $"{NewPassword} {winner}");
        Assert.Equal(HttpStatusCode.OK, (await again.GetAsync("/api/v1/auth/me")).StatusCode);
    }

    [Fact]
    public async Task A_link_for_something_else_or_of_somebody_who_is_disabled_sets_no_password()
    {
        var invitation = await AcceptInvitationTests.InviteAsync(platform.Administrator, new { email = "not.yet@example.com" });
        Assert.Equal(HttpStatusCode.Unauthorized, (await CompleteAsync(platform.Client, invitation.Text("link")!, NewPassword)).StatusCode);

        using var user = await platform.UserAsync();
        var id = (await user.GetJsonAsync("/api/v1/auth/me")).Text("id")!;
        var link = await LinkAsync(id);
        (await platform.Administrator.PatchAsJsonAsync($"/api/v1/auth/users/{id}", new { disabled = true })).EnsureSuccessStatusCode();
        Assert.Equal(HttpStatusCode.Unauthorized, (await CompleteAsync(platform.Client, link, NewPassword)).StatusCode);
    }

    internal static Task<HttpResponseMessage> CompleteAsync(HttpClient client, string link, string newPassword) =>
        client.PostAsJsonAsync("/api/v1/auth/password-reset/complete", new { token = Link.TokenOf(link), newPassword });

    private async Task<string> LinkAsync(string userId)
    {
        var answer = await platform.Administrator.PostAsync($"/api/v1/auth/users/{userId}/password-reset", null);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return (await answer.JsonAsync()).Text("link")!;
    }
}
