using System.Net;
using System.Net.Http.Json;
using LlmPlatform.Auth.SignIn;
using LlmPlatform.Host;
using LlmPlatform.ModuleTests.Support;
using LlmPlatform.SharedKernel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Npgsql;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

/// <summary>A27, and that nobody who is signed in notices a new key: two nodes share one database, and the tests move the time.</summary>
public sealed class KeyRotationTests : IAsyncLifetime
{
    private readonly DirectoryInfo folder = TemporaryFolder.Create("llmp-rotation-");
    private readonly FakeTimeProvider clock = new(TimeProvider.System.GetUtcNow());
    private Platform platform = null!;
    private HttpClient client = null!;
    private SigningKeys otherKeys = null!;
    private AccessTokens otherNode = null!;

    private static CancellationToken Timeout => TestContext.Current.CancellationToken;

    private SigningKeys Keys => platform.App.Services.GetRequiredService<SigningKeys>();

    private AccessTokens Node => platform.App.Services.GetRequiredService<AccessTokens>();

    public async ValueTask InitializeAsync()
    {
        platform = await Platform.StartAsync(
            PlatformFixture.Arguments(Path.Combine(folder.FullName, "data"), folder.FullName), builder => builder.Services.AddSingleton<TimeProvider>(clock), Timeout);
        client = Clients.At(platform.Address);
        var services = platform.App.Services;
        otherKeys = new SigningKeys(services.GetRequiredService<NpgsqlDataSource>(), services.GetRequiredService<MasterKey>(), clock);
        otherNode = new AccessTokens(otherKeys, clock);
    }

    [Fact]
    public async Task A_key_is_shown_before_it_signs_and_verifies_for_a_day_after()
    {
        var first = await Keys.CurrentAsync(Timeout);
        Assert.Equal([first.Id], await ShownAsync());

        clock.Advance(TimeSpan.FromDays(29.1));
        var shown = await ShownAsync();
        Assert.Equal(2, shown.Count);
        Assert.Equal(first.Id, shown[1]);
        Assert.Equal(first.Id, (await Keys.CurrentAsync(Timeout)).Id);
        Assert.Equal(shown, (await otherKeys.AllAsync(Timeout)).Select(key => key.Id)); // the other node made none of its own
        var next = (await Keys.AllAsync(Timeout))[0];
        Assert.Null(await Keys.FindAsync(next.Id, Timeout)); // what it signs before its time opens nothing

        clock.Advance(TimeSpan.FromDays(0.9));
        Assert.Equal(next.Id, (await Keys.CurrentAsync(Timeout)).Id);
        Assert.Equal([next.Id, first.Id], await ShownAsync());
        Assert.NotNull(await Keys.FindAsync(first.Id, Timeout));
        Assert.NotNull(await otherKeys.FindAsync(next.Id, Timeout));

        clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal([next.Id], await ShownAsync());
        Assert.Null(await Keys.FindAsync(first.Id, Timeout));
    }

    [Fact]
    public async Task A_token_is_good_while_its_key_is_neither_early_nor_over()
    {
        var signedIn = await Node.ReadAsync((await SignInAsync()).Access, Timeout);
        clock.Advance(TimeSpan.FromDays(29.5));
        var (old, next) = (await Keys.CurrentAsync(Timeout), (await Keys.AllAsync(Timeout))[0]);
        Assert.NotNull(await ReadSignedWithAsync(old));
        Assert.Null(await ReadSignedWithAsync(next));
        clock.Advance(TimeSpan.FromDays(1));
        Assert.NotNull(await ReadSignedWithAsync(next));
        Assert.NotNull(await ReadSignedWithAsync(old)); // until its day is over
        clock.Advance(TimeSpan.FromDays(1));
        Assert.NotNull(await ReadSignedWithAsync(next));
        Assert.Null(await ReadSignedWithAsync(old));

        async Task<AccessToken?> ReadSignedWithAsync(SigningKey key)
        {
            var now = clock.GetUtcNow().UtcDateTime;
            return await Node.ReadAsync(
                new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new Microsoft.IdentityModel.Tokens.SecurityTokenDescriptor
                {
                    TokenType = "at+jwt",
                    Issuer = "llmplatform",
                    Audience = "llmplatform",
                    NotBefore = now,
                    Expires = now.AddMinutes(10),
                    Claims = new Dictionary<string, object> { ["sub"] = signedIn!.UserId.ToString(), ["sid"] = signedIn.SessionId.ToString(), ["role"] = "user" },
                    SigningCredentials = new(new Microsoft.IdentityModel.Tokens.ECDsaSecurityKey(key.Key) { KeyId = key.Id }, "ES256"),
                }),
                Timeout);
        }
    }

    [Fact]
    public async Task While_keys_change_on_two_nodes_nobody_is_turned_away()
    {
        await Keys.CurrentAsync(Timeout); // the first key begins now
        clock.Advance(TimeSpan.FromDays(28.9));
        var people = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => SignInAsync()));
        var signedWith = new HashSet<string>();
        for (var round = 0; round < 60; round++)
        {
            // Somewhere in a minute, also while requests are under way.
            clock.Advance(TimeSpan.FromMinutes(round % 2 == 0 ? 97.3 : 5.2));
            var moving = Task.Run(() => clock.Advance(TimeSpan.FromSeconds(40)), Timeout);
            people = await Task.WhenAll(people.Select(UseAsync));
            await moving;
        }

        Assert.Equal(2, signedWith.Count);

        async Task<(string Access, string Refresh)> UseAsync((string Access, string Refresh) person)
        {
            var answer = await client.PostAsJsonAsync("/api/v1/auth/token/refresh", new { refreshToken = person.Refresh }, Timeout);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var pair = await answer.JsonAsync();
            var access = pair.Text("accessToken")!;
            using var signedIn = Clients.At(platform.Address, access);
            Assert.Equal(HttpStatusCode.OK, (await signedIn.GetAsync("/api/v1/auth/me", Timeout)).StatusCode);
            var token = Assert.IsType<AccessToken>(await otherNode.ReadAsync(access, Timeout));
            Assert.NotNull(await Node.ReadAsync(await otherNode.IssueAsync(token, Timeout), Timeout));
            lock (signedWith)
            {
                signedWith.Add(new JsonWebToken(access).Kid);
            }

            return (access, pair.Text("refreshToken")!);
        }
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        otherKeys.Dispose();
        await platform.DisposeAsync();
        folder.Delete(recursive: true);
    }

    private async Task<IReadOnlyList<string>> ShownAsync() =>
        [.. (await client.GetJsonAsync("/.well-known/jwks.json")).GetProperty("keys").EnumerateArray().Select(key => key.Text("kid")!)];

    private async Task<(string Access, string Refresh)> SignInAsync()
    {
        var pair = await (await client.PostAsJsonAsync("/api/v1/auth/token", new { email = PlatformFixture.Email, password = PlatformFixture.Password }, Timeout)).JsonAsync();
        return (pair.Text("accessToken")!, pair.Text("refreshToken")!);
    }
}
