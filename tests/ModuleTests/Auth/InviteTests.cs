using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

public sealed class InviteTests(PlatformFixture platform)
{
    private const string Invitations = "/api/v1/auth/invitations";

    [Fact]
    public async Task Only_administrators_invite_and_only_to_addresses_roles_and_groups_that_can_be()
    {
        using var user = await platform.UserAsync();
        Assert.Equal(HttpStatusCode.Forbidden, (await user.PostAsJsonAsync(Invitations, new { email = "a@example.com" })).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await user.GetAsync(Invitations)).StatusCode);
        await RefusedAsync(new { email = "no address" }, HttpStatusCode.BadRequest, "email.invalid");
        await RefusedAsync(new { email = "a@example.com", role = "owner" }, HttpStatusCode.BadRequest, "role.unknown");
        await RefusedAsync(new { email = "a@example.com", groups = new[] { "nowhere" } }, HttpStatusCode.UnprocessableEntity, "group.not_found");
        await RefusedAsync(new { email = PlatformFixture.Email.ToUpperInvariant() }, HttpStatusCode.Conflict, "email.taken");
    }

    [Fact]
    public async Task Another_invitation_of_the_same_address_takes_the_place_of_the_first_and_a_withdrawn_one_opens_nothing()
    {
        var first = await InviteAsync("again@example.com");
        var second = await InviteAsync("AGAIN@example.com");
        var open = await OpenAsync();
        Assert.Contains(open, i => i.Text("id") == second.Text("id"));
        Assert.DoesNotContain(open, i => i.Text("id") == first.Text("id"));
        Assert.DoesNotContain(Link.TokenOf(second.Text("link")!), await platform.Administrator.GetStringAsync(Invitations), StringComparison.Ordinal);
        await AcceptInvitationTests.RefusedAsync(platform.Client, first.Text("link")!, HttpStatusCode.Unauthorized, "link.invalid");

        Assert.Equal(HttpStatusCode.NoContent, (await platform.Administrator.DeleteAsync($"{Invitations}/{second.Text("id")}")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await platform.Administrator.DeleteAsync($"{Invitations}/{second.Text("id")}")).StatusCode);
        await AcceptInvitationTests.RefusedAsync(platform.Client, second.Text("link")!, HttpStatusCode.Unauthorized, "link.invalid");
    }

    [Fact]
    public async Task Neither_the_address_nor_the_token_is_stored_in_the_clear()
    {
        var invitation = await InviteAsync("invited.canary@example.com");
        var database = platform.Platform.App.Services.GetRequiredService<NpgsqlDataSource>();
        await using var search = database.CreateCommand(
            "select (select count(*) from auth.mt_doc_invitation where data::text ~* $1) + (select count(*) from auth.mt_doc_onetimelink where data::text ~* $1 or id ~* $1)");
        search.Parameters.AddWithValue($"invited.canary|{Link.TokenOf(invitation.Text("link")!)}");
        Assert.Equal(0L, await search.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    private async Task<JsonElement> InviteAsync(string email) => await AcceptInvitationTests.InviteAsync(platform.Administrator, new { email });

    private async Task<List<JsonElement>> OpenAsync() => [.. (await platform.Administrator.GetJsonAsync($"{Invitations}?limit=200")).GetProperty("items").EnumerateArray()];

    private async Task RefusedAsync(object command, HttpStatusCode status, string code)
    {
        var answer = await platform.Administrator.PostAsJsonAsync(Invitations, command);
        Assert.Equal((status, code), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }
}

public sealed class AcceptInvitationTests(PlatformFixture platform)
{
    [Fact]
    public async Task Whoever_holds_the_link_joins_once_with_the_role_and_the_groups_of_the_invitation()
    {
        (await platform.Administrator.PutAsJsonAsync("/api/v1/auth/groups/guests", new { title = "Guests" })).EnsureSuccessStatusCode();
        (await platform.Administrator.PutAsJsonAsync("/api/v1/auth/groups/leaving", new { title = "Leaving" })).EnsureSuccessStatusCode();
        var invitation = await InviteAsync(platform.Administrator, new { email = "Guest@example.com", role = "administrator", groups = new[] { "guests", "leaving" } });
        (await platform.Administrator.DeleteAsync("/api/v1/auth/groups/leaving")).EnsureSuccessStatusCode();
        var link = invitation.Text("link")!;
        Assert.False(invitation.GetProperty("mailed").GetBoolean());

        await RefusedAsync(platform.Client, link, HttpStatusCode.BadRequest, "password.common", password: "password1");
        await RefusedAsync(platform.Client, link, HttpStatusCode.BadRequest, "password.personal", password: "guest@EXAMPLE.com");
        await RefusedAsync(platform.Client, link, HttpStatusCode.Conflict, "name.taken", name: "administrator");

        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => AcceptAsync(platform.Client, link, "A guest", PlatformFixture.Password)));
        var profile = await Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.Created).JsonAsync();
        Assert.Equal(4, answers.Count(answer => answer.StatusCode == HttpStatusCode.Unauthorized));
        Assert.Equal((invitation.Text("id"), "Guest@example.com", "A guest", "administrator"), (profile.Text("id"), profile.Text("email"), profile.Text("name"), profile.Text("role")));
        Assert.Equal("guests", Assert.Single(profile.GetProperty("groups").EnumerateArray()).GetString());

        using var guest = await platform.SignInAsync("guest@example.com", PlatformFixture.Password);
        var me = await guest.GetJsonAsync("/api/v1/auth/me");
        Assert.Equal(profile.GetRawText(), me.GetRawText());
        Assert.DoesNotContain("Guest@example.com", await platform.Administrator.GetStringAsync("/api/v1/auth/invitations?limit=200"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_of_somebodys_own_making_opens_nothing() =>
        await RefusedAsync(platform.Client, $"http://x/#invitation={new string('a', 43)}", HttpStatusCode.Unauthorized, "link.invalid");

    internal static async Task<JsonElement> InviteAsync(HttpClient administrator, object command)
    {
        var answer = await administrator.PostAsJsonAsync("/api/v1/auth/invitations", command);
        Assert.True(answer.StatusCode == HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
        return await answer.JsonAsync();
    }

    internal static Task<HttpResponseMessage> AcceptAsync(HttpClient client, string link, string name, string password) =>
        client.PostAsJsonAsync("/api/v1/auth/invitations/accept", new { token = Link.TokenOf(link), name, password });

    internal static async Task RefusedAsync(
        HttpClient client, string link, HttpStatusCode status, string code, string name = "Some guest", string password = PlatformFixture.Password)
    {
        var answer = await AcceptAsync(client, link, name, password);
        Assert.Equal((status, code), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }
}

public sealed class LinkPageTests(PlatformFixture platform)
{
    [Theory, InlineData("/sign-in/link"), InlineData("/setup")]
    public async Task The_page_of_a_link_loads_nothing_and_tells_nobody_where_it_was(string path)
    {
        var page = await platform.Client.GetAsync(path);
        Assert.Equal((HttpStatusCode.OK, "text/html"), (page.StatusCode, page.Content.Headers.ContentType!.MediaType));
        Assert.Equal("no-referrer", page.Headers.GetValues("Referrer-Policy").Single());
        Assert.StartsWith("default-src 'none';", page.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        var html = await page.Content.ReadAsStringAsync();
        Assert.DoesNotContain("{style}", html, StringComparison.Ordinal);
        Assert.Contains("color-scheme", html, StringComparison.Ordinal);
    }
}
