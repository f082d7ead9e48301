using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using LlmPlatform.Auth.Oidc;
using LlmPlatform.Auth.SignIn;
using LlmPlatform.Host;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

public sealed class SignInWithProviderTests(SignInWithProviderTests.House house) : IClassFixture<SignInWithProviderTests.House>
{
    private readonly OpenIdProvider provider = house.Provider;

    [Fact]
    public async Task Somebody_new_is_registered_signed_in_and_led_to_the_page_they_wanted_and_is_the_same_person_the_next_time()
    {
        provider.Person = Person("ada", "ada@example.com");
        using var browser = new Browser(house.Platform.Address);
        var page = await browser.SignInAsync("/openapi/v1.json?a=b");
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Contains("url=/openapi/v1.json?a=b\"", WebUtility.HtmlDecode(await page.Content.ReadAsStringAsync()), StringComparison.Ordinal);
        var me = await browser.MeAsync();
        Assert.Equal(("ada@example.com", "ada", "user"), (me.Text("email"), me.Text("name"), me.Text("role")));

        provider.Person = Person("ada", "another@example.com"); // an address names nobody
        using var again = new Browser(house.Platform.Address);
        await again.SignInAsync();
        Assert.Equal(me.Text("id"), (await again.MeAsync()).Text("id"));
    }

    public static TheoryData<string> Lies => new(Lie.Keys);

    private static readonly Dictionary<string, Action<JsonObject>> Lie = new()
    {
        ["another nonce"] = claims => claims["nonce"] = "another",
        ["no nonce"] = claims => claims.Remove("nonce"),
        ["another audience"] = claims => claims["aud"] = "another-platform",
        ["another issuer"] = claims => claims["iss"] = "https://evil.example",
        ["an end that has passed"] = claims => claims["exp"] = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - 31,
        ["no subject"] = claims => claims.Remove("sub"),
    };

    [Theory, MemberData(nameof(Lies))]
    public async Task An_id_token_with_a_lie_in_it_signs_nobody_in(string lie)
    {
        provider.Person = Person("liar", "liar@example.com");
        provider.Bend = Lie[lie];
        try
        {
            using var browser = new Browser(house.Platform.Address);
            await browser.RefusedAsync(await browser.SignInAsync(), "oidc");
        }
        finally
        {
            provider.Bend = null;
        }
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task An_id_token_that_nobody_signed_or_somebody_else_did_signs_nobody_in(bool isSigned)
    {
        provider.Person = Person("liar", "liar@example.com");
        using var foreign = System.Security.Cryptography.RSA.Create(2048);
        provider.Signs = isSigned ? foreign : null;
        try
        {
            using var browser = new Browser(house.Platform.Address);
            await browser.RefusedAsync(await browser.SignInAsync(), "oidc");
        }
        finally
        {
            provider.Signs = provider.Key;
        }
    }

    [Fact]
    public async Task A_code_works_once_and_in_the_browser_that_asked_for_it()
    {
        provider.Person = Person("eve", "eve@example.com");
        using var browser = new Browser(house.Platform.Address);
        var callback = await browser.CallbackAsync();
        using var another = new Browser(house.Platform.Address);
        await another.RefusedAsync(await another.GetAsync(callback), "oidc");

        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync(callback)).StatusCode);
        Assert.Equal("oidc", Error(await browser.GetAsync(callback)));
    }

    [Fact]
    public async Task Who_is_switched_off_stays_out()
    {
        provider.Person = Person("mallory", "mallory@example.com");
        using var browser = new Browser(house.Platform.Address);
        await browser.SignInAsync();
        var id = (await browser.MeAsync()).Text("id");
        using var administrator = await house.AdministratorAsync();
        (await administrator.PatchAsJsonAsync($"/api/v1/auth/users/{id}", new { disabled = true })).EnsureSuccessStatusCode();
        using var again = new Browser(house.Platform.Address);
        await again.RefusedAsync(await again.SignInAsync(), "oidc.disabled");
    }

    [Fact]
    public async Task An_account_of_the_same_address_is_taken_over_only_where_the_provider_verified_the_address()
    {
        using var administrator = await house.AdministratorAsync();
        var local = await (await administrator.PostAsJsonAsync("/api/v1/auth/users", new { email = "Grace@example.com", name = "Grace" })).JsonAsync();
        foreach (var verified in (bool?[])[null, false])
        {
            provider.Person = Person("not-grace", "grace@example.com", verified);
            using var thief = new Browser(house.Platform.Address);
            await thief.RefusedAsync(await thief.SignInAsync(), "email.taken");
        }

        provider.Person = Person("grace", "grace@EXAMPLE.com", verified: true);
        using var browser = new Browser(house.Platform.Address);
        await browser.SignInAsync();
        Assert.Equal(local.Text("id"), (await browser.MeAsync()).Text("id"));
    }

    [Fact]
    public async Task Groups_there_are_groups_here_at_each_sign_in_and_groups_that_no_setting_names_are_left_alone()
    {
        using var administrator = await house.AdministratorAsync();
        foreach (var key in (string[])["readers", "local"])
        {
            (await administrator.PutAsJsonAsync($"/api/v1/auth/groups/{key}", new { title = key })).EnsureSuccessStatusCode();
        }

        provider.Person = Person("alan", "alan@example.com", groups: ["staff", "unknown", "bosses"]);
        var me = await MeAsync();
        Assert.Equal(["readers"], Groups(me));
        Assert.Equal("administrator", me.Text("role"));
        (await administrator.PutAsync($"/api/v1/auth/groups/local/members/{me.Text("id")}", null)).EnsureSuccessStatusCode();

        provider.Person = Person("alan", "alan@example.com", groups: ["unknown"]);
        me = await MeAsync();
        Assert.Equal(["local"], Groups(me));
        Assert.Equal("user", me.Text("role"));

        async Task<System.Text.Json.JsonElement> MeAsync()
        {
            using var browser = new Browser(house.Platform.Address);
            await browser.SignInAsync();
            return await browser.MeAsync();
        }

        static IEnumerable<string?> Groups(System.Text.Json.JsonElement me) => me.GetProperty("groups").EnumerateArray().Select(group => group.GetString());
    }

    [Theory]
    [InlineData("/chat?a=b#c", "/chat?a=b#c")]
    [InlineData(null, "/")]
    [InlineData("", "/")]
    [InlineData("https://evil.example", "/")]
    [InlineData("//evil.example", "/")]
    [InlineData("/\\evil.example", "/")]
    [InlineData("/\t/evil.example", "/")]
    [InlineData("javascript:alert(1)", "/")]
    public void Nobody_is_led_to_another_site(string? asked, string led) => Assert.Equal(led, SignInPage.LocalOrHome(asked));

    [Fact]
    public async Task A_provider_that_does_not_answer_leads_back_to_the_page()
    {
        var folder = TemporaryFolder.Create("llmp-oidc-down-");
        string[] arguments = [.. PlatformFixture.Arguments(Path.Combine(folder.FullName, "data"), folder.FullName), "--Oidc:ClientId=x", "--Logging:Level=Fatal"];
        await using (var platform = await Platform.StartAsync([.. arguments, "--Oidc:Authority=http://127.0.0.1:1"], null, TestContext.Current.CancellationToken))
        {
            using var browser = new Browser(platform.Address);
            await browser.RefusedAsync(await browser.GetAsync(new Uri(platform.Address, "/api/v1/auth/oidc/sign-in")), "oidc");
        }

        folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("http://login.example.com", "x", "user")] // whoever is on the way could answer in its place
    [InlineData("login", "x", "user")]
    [InlineData("https://login.example.com", null, "user")]
    [InlineData("https://login.example.com", "x", "administrator")]
    public void Settings_that_cannot_be_right_stop_the_start(string authority, string? client, string role)
    {
        var settings = new Dictionary<string, string?> { ["Oidc:Authority"] = authority, ["Oidc:ClientId"] = client, ["Oidc:Role"] = role };
        Assert.Throws<InvalidOperationException>(() => OidcSettings.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build()));
    }

    [Fact]
    public async Task The_page_offers_the_provider_by_its_name()
    {
        using var browser = new Browser(house.Platform.Address);
        Assert.Contains("Sign in with A &amp; B", await (await browser.GetAsync(new Uri(house.Platform.Address, "/sign-in"))).Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static string? Error(HttpResponseMessage answer) =>
        answer.Headers.Location?.ToString() is { } location && location.StartsWith("/sign-in?error=", StringComparison.Ordinal) ? location["/sign-in?error=".Length..] : null;

    private static JsonObject Person(string subject, string email, bool? verified = null, string[]? groups = null)
    {
        var person = new JsonObject { ["sub"] = subject, ["email"] = email, ["name"] = subject };
        if (verified is { } isVerified)
        {
            person["email_verified"] = isVerified;
        }

        if (groups is not null)
        {
            person["groups"] = new JsonArray([.. groups.Select(group => JsonValue.Create(group))]);
        }

        return person;
    }

    /// <summary>Follows links as a browser does, one at a time, and keeps cookies.</summary>
    private sealed class Browser(Uri platform) : IDisposable
    {
        private readonly HttpMessageInvoker client = new(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() });

        public void Dispose() => client.Dispose();

        public async Task<HttpResponseMessage> GetAsync(Uri address)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            return await client.SendAsync(request, TestContext.Current.CancellationToken);
        }

        /// <summary>Goes to the provider, and gives the address that it leads back to.</summary>
        public async Task<Uri> CallbackAsync(string returnUrl = "/")
        {
            var start = await GetAsync(new Uri(platform, $"/api/v1/auth/oidc/sign-in?returnUrl={Uri.EscapeDataString(returnUrl)}"));
            Assert.Equal(HttpStatusCode.Redirect, start.StatusCode);
            var there = await GetAsync(start.Headers.Location!);
            Assert.Equal(HttpStatusCode.Redirect, there.StatusCode);
            return there.Headers.Location!;
        }

        public async Task<HttpResponseMessage> SignInAsync(string returnUrl = "/") => await GetAsync(await CallbackAsync(returnUrl));

        public async Task<System.Text.Json.JsonElement> MeAsync()
        {
            var answer = await GetAsync(new Uri(platform, "/api/v1/auth/me"));
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            return await answer.JsonAsync();
        }

        public async Task RefusedAsync(HttpResponseMessage answer, string error)
        {
            Assert.Equal(error, Error(answer));
            Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(new Uri(platform, "/api/v1/auth/me"))).StatusCode);
        }
    }

    /// <summary>A platform whose operator named a provider on this machine, which no other setting allows to reach.</summary>
    public sealed class House : IAsyncLifetime
    {
        private readonly DirectoryInfo folder = TemporaryFolder.Create("llmp-oidc-");

        internal OpenIdProvider Provider { get; private set; } = null!;

        public Platform Platform { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Provider = await OpenIdProvider.StartAsync();
            Platform = await Platform.StartAsync(
                [
                    .. PlatformFixture.Arguments(Path.Combine(folder.FullName, "data"), folder.FullName).Where(argument => !argument.Contains("AllowedAddresses", StringComparison.Ordinal)),
                    "--Logging:Level=Error", $"--Oidc:Authority={Provider.Issuer}", $"--Oidc:ClientId={OpenIdProvider.ClientId}", $"--Oidc:ClientSecret={OpenIdProvider.ClientSecret}",
                    "--Oidc:DisplayName=A & B", "--Oidc:LinkByEmail=true", "--Oidc:Groups:staff=readers", "--Oidc:Groups:nobodys=no-such-group", "--Oidc:AdministratorGroups:0=bosses",
                ],
                adjust: null,
                TestContext.Current.CancellationToken);
        }

        public async Task<HttpClient> AdministratorAsync()
        {
            using var client = Clients.At(Platform.Address);
            var pair = await (await client.PostAsJsonAsync("/api/v1/auth/token", new { email = PlatformFixture.Email, password = PlatformFixture.Password })).JsonAsync();
            return Clients.At(Platform.Address, pair.Text("accessToken"));
        }

        public async ValueTask DisposeAsync()
        {
            await Platform.DisposeAsync();
            await Provider.DisposeAsync();
            folder.Delete(recursive: true);
        }
    }
}
