using System.Net;
using System.Net.Http.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

[Collection(MailingPlatformTests.Name)]
public sealed class ChangeEmailTests(MailingPlatform mailing, PlatformFixture silent)
{
    [Fact]
    public async Task Asking_for_an_address_that_somebody_else_has_tells_nothing_and_mails_nobody_a_link()
    {
        using var person = await ConfirmEmailTests.RegisterAsync(mailing.Platform, "asks@example.com", "Asking");
        Assert.Equal(HttpStatusCode.Accepted, (await ChangeAsync(person, PlatformFixture.Email)).StatusCode);
        await mailing.MailBox.ReceiveAsync("asks@example.com", "being changed");
        Assert.DoesNotContain("Confirm your new address", mailing.MailBox.SubjectsOf(PlatformFixture.Email));
    }

    [Fact]
    public async Task It_takes_the_password_and_a_mail_server_or_an_administrator()
    {
        using var user = await silent.UserAsync();
        var me = await user.GetJsonAsync("/api/v1/auth/me");
        await RefusedAsync(await ChangeAsync(user, "moved@example.com", "a wrong guess"), HttpStatusCode.Forbidden, "password.wrong");
        await RefusedAsync(await ChangeAsync(user, "moved@example.com"), HttpStatusCode.Conflict, "mail.off");
        await RefusedAsync(await PatchAsync(PlatformFixture.Email), HttpStatusCode.Conflict, "email.taken");
        await RefusedAsync(await PatchAsync("nowhere"), HttpStatusCode.BadRequest, "email.invalid");
        Assert.Equal("Moved@example.com", (await (await PatchAsync("Moved@example.com")).JsonAsync()).Text("email"));

        using var moved = await silent.SignInAsync("moved@example.com", PlatformFixture.Password);
        Assert.Equal(me.Text("id"), (await moved.GetJsonAsync("/api/v1/auth/me")).Text("id"));
        var free = await silent.Administrator.PostAsJsonAsync("/api/v1/auth/users", new { email = me.Text("email"), name = "After the move" });
        Assert.Equal(HttpStatusCode.Created, free.StatusCode);

        Task<HttpResponseMessage> PatchAsync(string email) => silent.Administrator.PatchAsJsonAsync($"/api/v1/auth/users/{me.Text("id")}", new { email });
    }

    internal static Task<HttpResponseMessage> ChangeAsync(HttpClient client, string newEmail, string currentPassword = PlatformFixture.Password) =>
        client.PostAsJsonAsync("/api/v1/auth/me/email", new { newEmail, currentPassword });

    private static async Task RefusedAsync(HttpResponseMessage answer, HttpStatusCode status, string code) =>
        Assert.Equal((status, code), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
}

[Collection(MailingPlatformTests.Name)]
public sealed class ConfirmEmailTests(MailingPlatform mailing)
{
    [Fact]
    public async Task A_new_address_counts_once_its_owner_opened_the_link_and_the_old_one_hears_of_it()
    {
        using var person = await RegisterAsync(mailing.Platform, "before@example.com", "Moving");
        Assert.Equal(HttpStatusCode.Accepted, (await ChangeEmailTests.ChangeAsync(person, "after@example.com")).StatusCode);
        var token = MailBox.TokenOf(await mailing.MailBox.ReceiveAsync("after@example.com", "new address"));
        await mailing.MailBox.ReceiveAsync("before@example.com", "being changed");
        Assert.Equal("before@example.com", (await person.GetJsonAsync("/api/v1/auth/me")).Text("email"));

        Assert.Equal(HttpStatusCode.NoContent, (await ConfirmAsync(token)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await ConfirmAsync(token)).StatusCode);
        Assert.Equal("after@example.com", (await person.GetJsonAsync("/api/v1/auth/me")).Text("email"));
        using var again = await mailing.Platform.SignInAsync("after@example.com", PlatformFixture.Password);
        var old = await mailing.Platform.Client.PostAsJsonAsync("/api/v1/auth/token", new { email = "before@example.com", password = PlatformFixture.Password });
        Assert.Equal(HttpStatusCode.Unauthorized, old.StatusCode);
    }

    internal static async Task<HttpClient> RegisterAsync(OwnPlatform platform, string email, string name)
    {
        (await platform.Administrator.PostAsJsonAsync("/api/v1/auth/users", new { email, name, password = PlatformFixture.Password })).EnsureSuccessStatusCode();
        return await platform.SignInAsync(email, PlatformFixture.Password);
    }

    private Task<HttpResponseMessage> ConfirmAsync(string token) => mailing.Platform.Client.PostAsJsonAsync("/api/v1/auth/email/confirm", new { token });
}
