using System.Net;
using System.Net.Http.Json;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

/// <summary>A31: what strangers may ask for tells them of nobody.</summary>
[Collection(MailingPlatformTests.Name)]
public sealed class SignUpTests(MailingPlatform mailing, PlatformFixture closed)
{
    private const string Road = "/api/v1/auth/sign-up";

    [Fact]
    public async Task Where_nobody_said_otherwise_people_join_by_invitation_only()
    {
        var answer = await SignUpAsync(closed.Client, "stranger@example.com", "Stranger");
        Assert.Equal((HttpStatusCode.Forbidden, "sign_up.closed"), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }

    [Fact]
    public async Task A_known_and_an_unknown_address_get_the_same_answer_and_each_its_own_mail()
    {
        var unknown = await SignUpAsync(mailing.Platform.Client, "newcomer@example.com", "Newcomer");
        var known = await SignUpAsync(mailing.Platform.Client, PlatformFixture.Email.ToUpperInvariant(), "Somebody new");
        Assert.Equal(HttpStatusCode.Accepted, unknown.StatusCode);
        Assert.Equal((unknown.StatusCode, await unknown.Content.ReadAsStringAsync()), (known.StatusCode, await known.Content.ReadAsStringAsync()));
        Assert.Equal(Headers(unknown), Headers(known));
        await mailing.MailBox.ReceiveAsync("newcomer@example.com", "Confirm");
        await mailing.MailBox.ReceiveAsync(PlatformFixture.Email, "account already");
    }

    [Fact]
    public async Task Nothing_of_a_sign_up_lies_about_in_the_clear()
    {
        Assert.Equal(HttpStatusCode.Accepted, (await SignUpAsync(mailing.Platform.Client, "stored.canary@example.com", "Canary Songbird")).StatusCode);
        var token = MailBox.TokenOf(await mailing.MailBox.ReceiveAsync("stored.canary@example.com", "Confirm"));
        await using var search = mailing.Platform.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(
            """
            select (select count(*) from messaging.wolverine_incoming_envelopes where encode(body, 'escape') ~* $1)
              + (select count(*) from messaging.wolverine_outgoing_envelopes where encode(body, 'escape') ~* $1) + (select count(*) from auth.mt_doc_onetimelink where data::text ~* $1)
            """);
        search.Parameters.AddWithValue($"canary|{token}");
        Assert.Equal(0L, await search.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Nobody_fills_a_strangers_mail_box()
    {
        var answers = new List<HttpStatusCode>();
        for (var i = 0; i < 6; i++)
        {
            answers.Add((await SignUpAsync(mailing.Platform.Client, "flooded@example.com", "Flooded")).StatusCode);
        }

        Assert.All(answers[..5], status => Assert.Equal(HttpStatusCode.Accepted, status));
        Assert.Equal(HttpStatusCode.TooManyRequests, answers[5]);
    }

    internal static Task<HttpResponseMessage> SignUpAsync(HttpClient client, string email, string name) =>
        client.PostAsJsonAsync(Road, new { email, name, password = PlatformFixture.Password });

    private static string Headers(HttpResponseMessage answer) =>
        string.Join('\n', answer.Headers.Concat(answer.Content.Headers).Where(h => h.Key != "Date" && !h.Key.Equals("X-Request-Id", StringComparison.OrdinalIgnoreCase)).Select(h => $"{h.Key}: {string.Join(',', h.Value)}").Order(StringComparer.Ordinal));
}

[Collection(MailingPlatformTests.Name)]
public sealed class ConfirmSignUpTests(MailingPlatform mailing)
{
    [Fact]
    public async Task An_account_comes_to_be_when_the_link_is_opened_and_not_before()
    {
        var client = mailing.Platform.Client;
        await SignUpTests.SignUpAsync(client, "opens@example.com", "Administrator"); // a name that is taken gets a number
        var mail = await mailing.MailBox.ReceiveAsync("opens@example.com", "Confirm");
        Assert.StartsWith("https://llm.example.com/sign-in/link#sign-up=", mail.TextBody!.Split('\n').Single(line => line.Contains("://", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, (await SignInAsync(client, "opens@example.com")).StatusCode);
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => ConfirmAsync(client, MailBox.TokenOf(mail))));
        var profile = await Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.Created).JsonAsync();
        Assert.Equal(("Administrator 2", "user"), (profile.Text("name"), profile.Text("role")));
        Assert.Equal(HttpStatusCode.OK, (await SignInAsync(client, "opens@example.com")).StatusCode);
    }

    [Fact]
    public async Task After_a_day_the_link_is_worth_nothing()
    {
        await SignUpTests.SignUpAsync(mailing.Platform.Client, "late@example.com", "Late");
        var token = MailBox.TokenOf(await mailing.MailBox.ReceiveAsync("late@example.com", "Confirm"));
        mailing.Clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal(HttpStatusCode.Unauthorized, (await ConfirmAsync(mailing.Platform.Client, token)).StatusCode);
    }

    private static Task<HttpResponseMessage> ConfirmAsync(HttpClient client, string token) => client.PostAsJsonAsync("/api/v1/auth/sign-up/confirm", new { token });

    private static Task<HttpResponseMessage> SignInAsync(HttpClient client, string email) =>
        client.PostAsJsonAsync("/api/v1/auth/token", new { email, password = PlatformFixture.Password });
}

public sealed class ReceiveSignUpTests
{
    [Fact]
    public async Task Without_a_mail_server_somebody_is_registered_at_once_and_waits_for_approval()
    {
        await using var platform = await OwnPlatform.StartAsync(clock: null, "--SignUp:Mode=approval");
        Assert.Equal(HttpStatusCode.Accepted, (await SignUpTests.SignUpAsync(platform.Client, "waits@example.com", "Waiting")).StatusCode);
        Assert.Equal(HttpStatusCode.Accepted, (await SignUpTests.SignUpAsync(platform.Client, "waits@example.com", "Waiting")).StatusCode);
        var users = await Eventually.Async(
            async () => (await platform.Administrator.GetJsonAsync("/api/v1/auth/users")).GetProperty("items"), items => items.GetArrayLength() == 2);
        var newcomer = users[1];
        Assert.Equal(("waits@example.com", "Waiting", "pending"), (newcomer.Text("email"), newcomer.Text("name"), newcomer.Text("role")));
        using var person = await platform.SignInAsync("waits@example.com", PlatformFixture.Password);
        Assert.Equal(HttpStatusCode.Forbidden, (await person.GetAsync("/v1/models")).StatusCode);
        (await platform.Administrator.PatchAsJsonAsync($"/api/v1/auth/users/{newcomer.Text("id")}", new { role = "user" })).EnsureSuccessStatusCode();
        await Eventually.Async(async () => (await person.GetAsync("/v1/models")).StatusCode, status => status == HttpStatusCode.OK);
    }
}
