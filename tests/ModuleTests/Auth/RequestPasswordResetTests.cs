using System.Net;
using System.Net.Http.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

[Collection(MailingPlatformTests.Name)]
public sealed class RequestPasswordResetTests(MailingPlatform mailing, PlatformFixture silent)
{
    [Fact]
    public async Task An_address_that_nobody_has_gets_the_same_answer()
    {
        var client = mailing.Platform.Client;
        (await mailing.Platform.Administrator.PostAsJsonAsync("/api/v1/auth/users", new { email = "known@example.com", name = "Known" })).EnsureSuccessStatusCode();
        foreach (var _ in Enumerable.Range(0, 4))
        {
            var (known, unknown) = (await RequestAsync(client, "known@example.com"), await RequestAsync(client, "unknown@example.com"));
            Assert.Equal(HttpStatusCode.Accepted, known.StatusCode);
            Assert.Equal((known.StatusCode, await known.Content.ReadAsStringAsync()), (unknown.StatusCode, await unknown.Content.ReadAsStringAsync()));
        }

        await mailing.MailBox.ReceiveAsync("known@example.com", "new password");
        Assert.Empty(mailing.MailBox.SubjectsOf("unknown@example.com"));
    }

    [Fact]
    public async Task Without_a_mail_server_the_answer_is_the_same() =>
        Assert.Equal(HttpStatusCode.Accepted, (await RequestAsync(silent.Client, PlatformFixture.Email)).StatusCode);

    internal static Task<HttpResponseMessage> RequestAsync(HttpClient client, string email) => client.PostAsJsonAsync("/api/v1/auth/password-reset", new { email });
}

[Collection(MailingPlatformTests.Name)]
public sealed class MailPasswordResetTests(MailingPlatform mailing)
{
    [Fact]
    public async Task Who_forgot_the_password_gets_a_link_for_an_hour_and_is_told_when_it_was_used()
    {
        var platform = mailing.Platform;
        (await platform.Administrator.PostAsJsonAsync("/api/v1/auth/users", new { email = "forgot@example.com", name = "Forgetful" })).EnsureSuccessStatusCode();
        await RequestPasswordResetTests.RequestAsync(platform.Client, "Forgot@example.com");
        var mail = await mailing.MailBox.ReceiveAsync("forgot@example.com", "new password");
        var answer = await CompleteAsync(MailBox.TokenOf(mail));
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        await mailing.MailBox.ReceiveAsync("forgot@example.com", "was changed");
        using var person = await platform.SignInAsync("forgot@example.com", PlatformFixture.Password);
        Assert.Equal(HttpStatusCode.Unauthorized, (await CompleteAsync(MailBox.TokenOf(mail))).StatusCode);
    }

    [Fact]
    public async Task After_an_hour_the_link_is_worth_nothing()
    {
        var platform = mailing.Platform;
        (await platform.Administrator.PostAsJsonAsync("/api/v1/auth/users", new { email = "slow@example.com", name = "Slow" })).EnsureSuccessStatusCode();
        await RequestPasswordResetTests.RequestAsync(platform.Client, "slow@example.com");
        var token = MailBox.TokenOf(await mailing.MailBox.ReceiveAsync("slow@example.com", "new password"));
        mailing.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(HttpStatusCode.Unauthorized, (await CompleteAsync(token)).StatusCode);
    }

    private Task<HttpResponseMessage> CompleteAsync(string token) =>
        mailing.Platform.Client.PostAsJsonAsync("/api/v1/auth/password-reset/complete", new { token, newPassword = PlatformFixture.Password });
}
