using System.Net;
using System.Net.Http.Json;
using LlmPlatform.Host;
using LlmPlatform.Host.EmbeddedPostgres;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

/// <summary>A28: a refresh token works once, whatever happens between.</summary>
public sealed class RefreshSignInTests : IDisposable
{
    private readonly DirectoryInfo folder = TemporaryFolder.Create("llmp-refresh-");
    private readonly FakeTimeProvider clock = new(TimeProvider.System.GetUtcNow());

    private string Data => Path.Combine(folder.FullName, "data");

    [Fact]
    public async Task Of_twenty_at_once_one_wins_the_late_are_turned_away_and_a_copy_that_turns_up_later_ends_the_family_also_after_a_restart()
    {
        string first, second, third;
        await using (var platform = await StartAsync())
        {
            using var client = Clients.At(platform.Address);
            first = await SignInAsync(client);
            var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => RefreshAsync(client, first)));
            second = (await answers.Single(a => a.StatusCode == HttpStatusCode.OK).JsonAsync()).Text("refreshToken")!;
            foreach (var loser in answers.Where(a => a.StatusCode != HttpStatusCode.OK))
            {
                Assert.Equal((HttpStatusCode.Unauthorized, "refresh.reused"), (loser.StatusCode, (await loser.JsonAsync()).Text("code")));
            }
        }

        await using (var platform = await StartAsync())
        {
            // Ten seconds have not passed: two tabs, or an answer that got lost. Nothing is revoked.
            using var client = Clients.At(platform.Address);
            Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(client, first)).StatusCode);
            var next = await (await RefreshAsync(client, second)).JsonAsync();
            third = next.Text("refreshToken")!;
            using var user = Clients.At(platform.Address, next.Text("accessToken"));
            Assert.Equal(HttpStatusCode.OK, (await user.GetAsync("/api/v1/auth/me")).StatusCode);
        }

        clock.Advance(TimeSpan.FromSeconds(11));
        await using (var platform = await StartAsync())
        {
            using var client = Clients.At(platform.Address);
            var reused = await RefreshAsync(client, first);
            Assert.Equal((HttpStatusCode.Unauthorized, "refresh.reused"), (reused.StatusCode, (await reused.JsonAsync()).Text("code")));
            foreach (var token in (string[])[second, third])
            {
                Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(client, token)).StatusCode);
            }

            using var administrator = await AdministratorAsync(platform);
            await Eventually.Async(
                () => administrator.GetJsonAsync("/api/v1/admin/audit?action=auth.refresh_token_reused"), page => page.GetProperty("items").GetArrayLength() >= 1);
        }
    }

    [Fact]
    public async Task After_signing_out_a_refresh_token_is_worth_nothing()
    {
        await using var platform = await StartAsync();
        using var client = Clients.At(platform.Address);
        var pair = await (await client.PostAsJsonAsync("/api/v1/auth/token", new { email = PlatformFixture.Email, password = PlatformFixture.Password })).JsonAsync();
        using var user = Clients.At(platform.Address, pair.Text("accessToken"));
        Assert.Equal(HttpStatusCode.NoContent, (await user.PostAsync("/api/v1/auth/sign-out", null)).StatusCode);
        var refused = await RefreshAsync(client, pair.Text("refreshToken")!);
        Assert.Equal((HttpStatusCode.Unauthorized, "refresh.invalid"), (refused.StatusCode, (await refused.JsonAsync()).Text("code")));
    }

    [Fact]
    public async Task A_refresh_that_finds_no_database_uses_nothing_up()
    {
        await using var platform = await StartAsync();
        using var client = Clients.At(platform.Address);
        var token = await SignInAsync(client);
        var pid = int.Parse((await File.ReadAllLinesAsync(Path.Combine(Places.ReadLocation(Path.Combine(Data, "postgres")), "data", "postmaster.pid"), TestContext.Current.CancellationToken))[0], System.Globalization.CultureInfo.InvariantCulture);
        using (var server = System.Diagnostics.Process.GetProcessById(pid))
        {
            server.Kill();
            await server.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        var down = await RefreshAsync(client, token);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "db.unavailable"), (down.StatusCode, (await down.JsonAsync()).Text("code")));
        var up = await Eventually.Async(() => RefreshAsync(client, token), answer => answer.StatusCode < HttpStatusCode.InternalServerError);
        Assert.Equal(HttpStatusCode.OK, up.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(client, token)).StatusCode);
    }

    public void Dispose() => folder.Delete(recursive: true);

    private Task<Platform> StartAsync() => Platform.StartAsync(
        PlatformFixture.Arguments(Data, folder.FullName), builder => builder.Services.AddSingleton<TimeProvider>(clock), TestContext.Current.CancellationToken);

    private static Task<HttpResponseMessage> RefreshAsync(HttpClient client, string refreshToken) => client.PostAsJsonAsync("/api/v1/auth/token/refresh", new { refreshToken });

    private static async Task<string> SignInAsync(HttpClient client) =>
        (await (await client.PostAsJsonAsync("/api/v1/auth/token", new { email = PlatformFixture.Email, password = PlatformFixture.Password })).JsonAsync()).Text("refreshToken")!;

    private static async Task<HttpClient> AdministratorAsync(Platform platform)
    {
        using var client = Clients.At(platform.Address);
        var pair = await (await client.PostAsJsonAsync("/api/v1/auth/token", new { email = PlatformFixture.Email, password = PlatformFixture.Password })).JsonAsync();
        return Clients.At(platform.Address, pair.Text("accessToken"));
    }
}
