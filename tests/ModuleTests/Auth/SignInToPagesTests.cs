using System.Net;
using System.Net.Http.Json;
using LlmPlatform.Host;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

/// <summary>A38, A39, A79 and A80: a browser's session, and what other sites can do with it.</summary>
public sealed class SignInToPagesTests(SignInToPagesTests.House house) : IClassFixture<SignInToPagesTests.House>, IDisposable
{
    private const string Me = "/api/v1/auth/me";
    private const string Keys = "/api/v1/auth/api-keys";
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(3);
    private readonly Platform platform = house.Platform;
    private readonly FakeTimeProvider clock = house.Clock;
    private readonly HttpClient anybody = Clients.At(house.Platform.Address);

    [Fact]
    public async Task A_session_lives_as_long_as_it_is_used_and_half_a_day_at_most()
    {
        var cookie = await SignInAsync();
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(Me, cookie));
        clock.Advance(TimeSpan.FromMinutes(29));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(Me, cookie));
        clock.Advance(TimeSpan.FromMinutes(29)); // 58 since it began, 29 since it was used
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(Me, cookie));
        clock.Advance(TimeSpan.FromMinutes(31));
        var idle = await GetAsync(Me, cookie);
        Assert.Equal((HttpStatusCode.Unauthorized, "session.ended"), (idle.StatusCode, (await idle.JsonAsync()).Text("code")));

        cookie = await SignInAsync();
        for (var i = 0; i < 24; i++)
        {
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(Me, cookie));
            clock.Advance(TimeSpan.FromMinutes(29.9));
        }

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(Me, cookie));
        clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(Me, cookie));
    }

    [Fact]
    public async Task The_cookie_is_for_this_host_alone_and_over_https_the_browser_sees_to_it()
    {
        var plain = SetCookie(await PostSessionAsync());
        Assert.StartsWith("llmp=", plain, StringComparison.Ordinal);
        Assert.EndsWith("; path=/; samesite=strict; httponly", plain, StringComparison.Ordinal);
        var secure = SetCookie(await PostSessionAsync(("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "203.0.113.7")));
        Assert.StartsWith("__Host-llmp=", secure, StringComparison.Ordinal);
        Assert.EndsWith("; path=/; secure; samesite=strict; httponly", secure, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(Me, secure.Split(';')[0], ("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "203.0.113.7")));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(Me, secure.Split(';')[0])); // over http anybody on the way could have planted it
    }

    [Fact]
    public async Task A_planted_cookie_is_not_adopted_and_an_old_one_ends_with_the_next_sign_in()
    {
        var planted = $"llmp={new string('a', 43)}";
        var first = await SignInAsync(("Cookie", planted));
        Assert.NotEqual(planted, first);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(Me, planted));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(Me, first));

        var second = await SignInAsync(("Cookie", first));
        Assert.NotEqual(first, second);
        clock.Advance(Remembered);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(Me, first));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(Me, second));
    }

    [Fact]
    public async Task Signing_out_ends_the_session_takes_the_cookie_and_is_no_link()
    {
        var cookie = await SignInAsync();
        Assert.Equal(HttpStatusCode.MethodNotAllowed, await StatusAsync("/api/v1/auth/sign-out", cookie));
        var token = await TokenAsync(cookie);
        var answer = await SendAsync(HttpMethod.Post, "/api/v1/auth/sign-out", null, ("Cookie", token.Cookies), ("X-CSRF-TOKEN", token.Token));
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.StartsWith("llmp=; expires=Thu, 01 Jan 1970", SetCookie(answer), StringComparison.Ordinal);
        clock.Advance(Remembered);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(Me, cookie));
    }

    [Fact]
    public async Task A_change_needs_a_token_of_the_very_person_and_a_program_needs_none()
    {
        using var administrator = await AdministratorAsync();
        (await administrator.PostAsJsonAsync("/api/v1/auth/users", new { email = "other@example.com", name = "Other", password = PlatformFixture.Password })).EnsureSuccessStatusCode();
        var mine = await TokenAsync(await SignInAsync());
        var others = await TokenAsync(await SignInAsync("other@example.com"));
        var body = new { name = "made in a page" };

        await RefusedAsync(await SendAsync(HttpMethod.Post, Keys, body, ("Cookie", mine.Cookies)));
        await RefusedAsync(await SendAsync(HttpMethod.Post, Keys, body, ("Cookie", mine.Cookies), ("X-CSRF-TOKEN", "made up")));
        await RefusedAsync(await SendAsync(HttpMethod.Post, Keys, body, ("Cookie", mine.Cookies), ("X-CSRF-TOKEN", others.Token)));

        // Even with the other person's whole set of cookies for tokens: it names whom it is for.
        await RefusedAsync(await SendAsync(HttpMethod.Post, Keys, body, ("Cookie", $"{mine.Session}; {others.Antiforgery}"), ("X-CSRF-TOKEN", others.Token)));
        await RefusedAsync(await SendAsync(HttpMethod.Delete, "/api/v1/auth/sessions", null, ("Cookie", mine.Cookies)));

        Assert.Equal(HttpStatusCode.Created, (await SendAsync(HttpMethod.Post, Keys, body, ("Cookie", mine.Cookies), ("X-CSRF-TOKEN", mine.Token))).StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await administrator.PostAsJsonAsync(Keys, body)).StatusCode);

        static async Task RefusedAsync(HttpResponseMessage answer) =>
            Assert.Equal((HttpStatusCode.BadRequest, "antiforgery.invalid"), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }

    [Theory]
    [InlineData("Origin", "https://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Origin", "http://127.0.0.1:1")] // another server of this machine
    [InlineData("Origin", "nonsense")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    public async Task A_page_of_another_site_changes_nothing_and_opens_no_connection(string header, string value)
    {
        var token = await TokenAsync(await SignInAsync());
        await RefusedAsync(await SendAsync(HttpMethod.Post, Keys, new { name = "stolen" }, ("Cookie", token.Cookies), ("X-CSRF-TOKEN", token.Token), (header, value)));
        await RefusedAsync(await PostSessionAsync((header, value)));
        await RefusedAsync(await SendAsync(HttpMethod.Post, "/_blazor/negotiate", null, ("Cookie", token.Cookies), (header, value)));
        await RefusedAsync(await SendAsync(
            HttpMethod.Get, "/_blazor", null, ("Cookie", token.Cookies), (header, value), ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")));

        static async Task RefusedAsync(HttpResponseMessage answer) =>
            Assert.Equal((HttpStatusCode.Forbidden, "origin.not_allowed"), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }

    [Fact]
    public async Task A_page_of_ours_may_say_so_and_a_program_may_run_anywhere()
    {
        var token = await TokenAsync(await SignInAsync());
        var ours = platform.Address.GetLeftPart(UriPartial.Authority);
        Assert.Equal(HttpStatusCode.Created, (await SendAsync(
            HttpMethod.Post, Keys, new { name = "mine" }, ("Cookie", token.Cookies), ("X-CSRF-TOKEN", token.Token), ("Origin", ours), ("Sec-Fetch-Site", "same-origin"))).StatusCode);
        using var program = await AdministratorAsync();
        program.DefaultRequestHeaders.Add("Origin", "app://a-desktop-client");
        Assert.Equal(HttpStatusCode.Created, (await program.PostAsJsonAsync(Keys, new { name = "a program's" })).StatusCode);
    }

    [Fact]
    public async Task Neither_an_api_key_nor_a_token_is_a_cookie()
    {
        using var administrator = await AdministratorAsync();
        var key = (await (await administrator.PostAsJsonAsync(Keys, new { name = "key", scopes = new[] { "*" } })).JsonAsync()).Text("key");
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(Me, $"llmp={key}"));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(Me, $"llmp={administrator.DefaultRequestHeaders.Authorization!.Parameter}"));
    }

    [Fact]
    public async Task Who_opens_a_page_is_shown_where_to_sign_in_and_who_signed_in_sees_it()
    {
        var led = await GetAsync("/openapi/v1.json?a=b", "", ("Accept", "text/html"));
        Assert.Equal((HttpStatusCode.Redirect, "/sign-in?returnUrl=%2Fopenapi%2Fv1.json%3Fa%3Db"), (led.StatusCode, led.Headers.Location!.ToString()));
        var page = await GetAsync("/sign-in?returnUrl=https://evil.example", "");
        Assert.Equal((HttpStatusCode.OK, "text/html"), (page.StatusCode, page.Content.Headers.ContentType!.MediaType));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/openapi/v1.json", await SignInAsync(), ("Accept", "text/html")));
        foreach (var api in (string[])[Me, "/v1/models", "/api/tags"])
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(api, "", ("Accept", "text/html")));
        }
    }

    [Fact]
    public async Task A_browser_is_among_somebodys_sessions_and_ends_from_elsewhere()
    {
        var cookie = await SignInAsync();
        using var program = await AdministratorAsync();
        var browsers = (await program.GetJsonAsync("/api/v1/auth/sessions")).GetProperty("items").EnumerateArray().Where(s => s.GetProperty("isBrowser").GetBoolean()).ToList();
        Assert.NotEmpty(browsers);
        Assert.Equal(HttpStatusCode.NoContent, (await program.DeleteAsync("/api/v1/auth/sessions?exceptCurrent=true")).StatusCode);
        clock.Advance(Remembered);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(Me, cookie));
    }

    public void Dispose() => anybody.Dispose();

    private static string SetCookie(HttpResponseMessage answer) => answer.Headers.GetValues("Set-Cookie").Single();

    private async Task<HttpClient> AdministratorAsync() => Clients.At(
        platform.Address,
        (await (await anybody.PostAsJsonAsync("/api/v1/auth/token", new { email = PlatformFixture.Email, password = PlatformFixture.Password })).JsonAsync()).Text("accessToken"));

    private async Task<(string Session, string Antiforgery, string Cookies, string Token)> TokenAsync(string session)
    {
        var answer = await GetAsync("/api/v1/auth/antiforgery", session);
        var antiforgery = SetCookie(answer).Split(';')[0];
        return (session, antiforgery, $"{session}; {antiforgery}", (await answer.JsonAsync()).Text("token")!);
    }

    private Task<string> SignInAsync(params (string, string)[] headers) => SignInAsync(PlatformFixture.Email, headers);

    private async Task<string> SignInAsync(string email, params (string, string)[] headers)
    {
        var answer = await SendAsync(HttpMethod.Post, "/api/v1/auth/session", new { email, password = PlatformFixture.Password }, headers);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        return SetCookie(answer).Split(';')[0];
    }

    private Task<HttpResponseMessage> PostSessionAsync(params (string, string)[] headers) =>
        SendAsync(HttpMethod.Post, "/api/v1/auth/session", new { email = PlatformFixture.Email, password = PlatformFixture.Password }, headers);

    private async Task<HttpStatusCode> StatusAsync(string path, string cookie, params (string, string)[] headers) => (await GetAsync(path, cookie, headers)).StatusCode;

    private Task<HttpResponseMessage> GetAsync(string path, string cookie, params (string, string)[] headers) => SendAsync(HttpMethod.Get, path, null, [("Cookie", cookie), .. headers]);

    // A handler without a memory: each request carries the cookies that the test says.
    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body, params (string Name, string Value)[] headers)
    {
        using var handler = new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false };
        using var client = new HttpMessageInvoker(handler);
        using var request = new HttpRequestMessage(method, new Uri(platform.Address, path)) { Content = body is null ? null : JsonContent.Create(body) };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
        await answer.Content.LoadIntoBufferAsync(TestContext.Current.CancellationToken);
        return answer;
    }

    /// <summary>A platform of its own, whose time the tests move, behind a proxy: this machine, so that a test can say what a browser spoke.</summary>
    public sealed class House : IAsyncLifetime
    {
        private readonly DirectoryInfo folder = TemporaryFolder.Create("llmp-pages-");

        public FakeTimeProvider Clock { get; } = new(TimeProvider.System.GetUtcNow());

        public Platform Platform { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Platform = await Platform.StartAsync(
            [.. PlatformFixture.Arguments(Path.Combine(folder.FullName, "data"), folder.FullName), "--Proxies:0=127.0.0.1/32"],
            builder => builder.Services.AddSingleton<TimeProvider>(Clock),
            TestContext.Current.CancellationToken);

        public async ValueTask DisposeAsync()
        {
            await Platform.DisposeAsync();
            folder.Delete(recursive: true);
        }
    }
}
