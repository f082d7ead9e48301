using System.Net;
using System.Net.Http.Json;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using OtpNet;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

[Collection(MailingPlatformTests.Name)]
public sealed class StartTwoFactorTests(MailingPlatform mailing)
{
    [Fact]
    public async Task Setting_up_takes_the_password_and_gives_a_secret_that_a_camera_can_read_and_the_database_does_not_hold()
    {
        using var app = await AuthenticatorApp.RegisterAsync(mailing, "setting.up@example.com", "Setting up");
        await AuthenticatorApp.RefusedAsync(await app.StartAsync("a wrong guess"), HttpStatusCode.Forbidden, "password.wrong");
        var secret = await (await app.StartAsync()).JsonAsync();
        Assert.StartsWith("otpauth://totp/LlmPlatform:setting.up%40example.com?", secret.Text("uri"), StringComparison.OrdinalIgnoreCase);
        Assert.Contains($"secret={secret.Text("secret")}", secret.Text("uri")!, StringComparison.Ordinal);
        var picture = Convert.FromBase64String(secret.Text("qrCode")!["data:image/png;base64,".Length..]);
        Assert.Equal("PNG"u8, picture.AsSpan(1, 3));

        await using var search = mailing.Platform.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("select count(*) from auth.second_factors where sealed_secret ~* $1");
        search.Parameters.AddWithValue(secret.Text("secret")!);
        Assert.Equal(0L, await search.ExecuteScalarAsync(TestContext.Current.CancellationToken));
        Assert.False((await app.Client.GetJsonAsync(AuthenticatorApp.Road)).GetProperty("enabled").GetBoolean());
        Assert.Equal(HttpStatusCode.OK, (await app.SignInAsync(code: null)).StatusCode); // nothing counts yet
    }
}

[Collection(MailingPlatformTests.Name)]
public sealed class ConfirmTwoFactorTests(MailingPlatform mailing)
{
    [Fact]
    public async Task From_then_on_the_password_alone_opens_nothing_and_a_code_works_once()
    {
        using var app = await AuthenticatorApp.RegisterAsync(mailing, "two.factors@example.com", "Two factors");
        await AuthenticatorApp.RefusedAsync(await app.ConfirmAsync("123456"), HttpStatusCode.Forbidden, "two_factor.code_wrong"); // nothing was begun
        await app.TurnOnAsync();
        await AuthenticatorApp.RefusedAsync(await app.StartAsync(), HttpStatusCode.Conflict, "two_factor.on");
        await AuthenticatorApp.RefusedAsync(await app.SignInAsync(code: null), HttpStatusCode.Unauthorized, "auth.code_required");
        await AuthenticatorApp.RefusedAsync(await app.SignInAsync("a wrong one"), HttpStatusCode.Unauthorized, "auth.code_wrong");
        await AuthenticatorApp.RefusedAsync(await app.SignInAsync(app.Code(0)), HttpStatusCode.Unauthorized, "auth.code_wrong"); // it turned the factor on
        await AuthenticatorApp.RefusedAsync(await app.SignInAsync(app.Code(0), "a wrong guess"), HttpStatusCode.Unauthorized, "auth.invalid_credentials");

        mailing.Clock.Advance(TimeSpan.FromMinutes(2));
        await AuthenticatorApp.RefusedAsync(await app.SignInAsync(app.Code(-2)), HttpStatusCode.Unauthorized, "auth.code_wrong");
        await AuthenticatorApp.RefusedAsync(await app.SignInAsync(app.Code(2)), HttpStatusCode.Unauthorized, "auth.code_wrong");
        Assert.Equal(HttpStatusCode.OK, (await app.SignInAsync(app.Code(-1))).StatusCode);
        var code = app.Code(0);
        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => app.SignInAsync(code)));
        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.OK, (await app.SignInAsync(app.Code(1).Insert(3, " "))).StatusCode);
        await AuthenticatorApp.RefusedAsync(await app.SignInAsync(code), HttpStatusCode.Unauthorized, "auth.code_wrong");
    }

    [Fact]
    public async Task Wrong_codes_are_counted_like_wrong_passwords()
    {
        mailing.Clock.Advance(TimeSpan.FromMinutes(5)); // so that this test counts for itself
        using var app = await AuthenticatorApp.RegisterAsync(mailing, "guessing@example.com", "Guessing");
        await app.TurnOnAsync();
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await app.SignInAsync("00000x")).StatusCode);
        }

        mailing.Clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(HttpStatusCode.TooManyRequests, (await app.SignInAsync(app.Code(0))).StatusCode);
        mailing.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(HttpStatusCode.OK, (await app.SignInAsync(app.Code(0))).StatusCode);
    }

    [Fact]
    public async Task A_backup_code_works_once_and_is_not_stored()
    {
        using var app = await AuthenticatorApp.RegisterAsync(mailing, "lost.app@example.com", "Lost app");
        var codes = await app.TurnOnAsync();
        Assert.Equal(10, codes.Distinct().Count());
        var answers = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => app.SignInAsync(codes[0].ToUpperInvariant())));
        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.OK, (await app.SignInAsync(codes[1].Replace("-", " ", StringComparison.Ordinal))).StatusCode);
        Assert.Equal(8, (await app.Client.GetJsonAsync(AuthenticatorApp.Road)).GetProperty("backupCodesLeft").GetInt32());
        await using var search = mailing.Platform.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("select count(*) from auth.backup_codes where code_index ~* $1");
        search.Parameters.AddWithValue(codes[2].Replace("-", "", StringComparison.Ordinal));
        Assert.Equal(0L, await search.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }
}

[Collection(MailingPlatformTests.Name)]
public sealed class DisableTwoFactorTests(MailingPlatform mailing)
{
    [Fact]
    public async Task Turning_it_off_takes_password_and_code()
    {
        using var app = await AuthenticatorApp.RegisterAsync(mailing, "turning.off@example.com", "Turning off");
        var codes = await app.TurnOnAsync();
        await AuthenticatorApp.RefusedAsync(await app.DisableAsync("a wrong guess", codes[0]), HttpStatusCode.Forbidden, "password.wrong");
        await AuthenticatorApp.RefusedAsync(await app.DisableAsync(PlatformFixture.Password, "000000"), HttpStatusCode.Forbidden, "two_factor.code_wrong");
        Assert.Equal(HttpStatusCode.NoContent, (await app.DisableAsync(PlatformFixture.Password, codes[0])).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await app.SignInAsync(code: null)).StatusCode);
        await app.TurnOnAsync(); // and on again
    }

    [Fact]
    public async Task An_administrator_turns_it_off_for_somebody_who_lost_it_and_that_is_written_down()
    {
        using var app = await AuthenticatorApp.RegisterAsync(mailing, "locked.out@example.com", "Locked out");
        await app.TurnOnAsync();
        var id = (await app.Client.GetJsonAsync("/api/v1/auth/me")).Text("id");
        Assert.Equal(HttpStatusCode.Forbidden, (await app.Client.DeleteAsync($"/api/v1/auth/users/{id}/two-factor")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await mailing.Platform.Administrator.DeleteAsync($"/api/v1/auth/users/{Guid.CreateVersion7()}/two-factor")).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await mailing.Platform.Administrator.DeleteAsync($"/api/v1/auth/users/{id}/two-factor")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await app.SignInAsync(code: null)).StatusCode);
        await Eventually.Async(
            () => mailing.Platform.Administrator.GetStringAsync($"/api/v1/admin/audit?target=user:{id}"), found => found.Contains("auth.two_factor_disabled", StringComparison.Ordinal));
    }
}

/// <summary>Somebody with an authenticator app.</summary>
internal sealed class AuthenticatorApp : IDisposable
{
    public const string Road = "/api/v1/auth/me/two-factor";

    private readonly MailingPlatform mailing;
    private readonly string email;
    private byte[] secret = [];

    private AuthenticatorApp(MailingPlatform mailing, string email, HttpClient client) => (this.mailing, this.email, Client) = (mailing, email, client);

    public HttpClient Client { get; }

    public static async Task<AuthenticatorApp> RegisterAsync(MailingPlatform mailing, string email, string name) =>
        new(mailing, email, await ConfirmEmailTests.RegisterAsync(mailing.Platform, email, name));

    public Task<HttpResponseMessage> StartAsync(string currentPassword = PlatformFixture.Password) => Client.PostAsJsonAsync(Road, new { currentPassword });

    public Task<HttpResponseMessage> ConfirmAsync(string code) => Client.PostAsJsonAsync($"{Road}/confirm", new { code });

    public async Task<string[]> TurnOnAsync()
    {
        secret = Base32Encoding.ToBytes((await (await StartAsync()).JsonAsync()).Text("secret"));
        await RefusedAsync(await ConfirmAsync("00000x"), HttpStatusCode.Forbidden, "two_factor.code_wrong");
        var answer = await ConfirmAsync(Code(0));
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return [.. (await answer.JsonAsync()).GetProperty("codes").EnumerateArray().Select(code => code.GetString()!)];
    }

    public Task<HttpResponseMessage> DisableAsync(string currentPassword, string code) =>
        Client.SendAsync(new HttpRequestMessage(HttpMethod.Delete, Road) { Content = JsonContent.Create(new { currentPassword, code }) });

    public Task<HttpResponseMessage> SignInAsync(string? code, string password = PlatformFixture.Password) =>
        mailing.Platform.Client.PostAsJsonAsync("/api/v1/auth/token", new { email, password, code });

    /// <summary>What the app shows now, or as many steps earlier or later.</summary>
    public string Code(int steps) => new Totp(secret).ComputeTotp(mailing.Clock.GetUtcNow().UtcDateTime.AddSeconds(30 * steps));

    public void Dispose() => Client.Dispose();

    public static async Task RefusedAsync(HttpResponseMessage answer, HttpStatusCode status, string code) =>
        Assert.Equal((status, code), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
}
