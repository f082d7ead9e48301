using System.Net;
using System.Net.Http.Json;
using LlmPlatform.Host;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Host;

/// <summary>A platform with small limits, for tests that run into them.</summary>
public sealed class RateLimitTests : IAsyncLifetime
{
    private readonly DirectoryInfo folder = TemporaryFolder.Create("llmp-rates-");
    private Platform platform = null!;

    public async ValueTask InitializeAsync() => platform = await Platform.StartAsync(
        [
            .. PlatformFixture.Arguments(Path.Combine(folder.FullName, "data"), folder.FullName),
            "--RateLimits:AnonymousPerMinute=20", "--RateLimits:UserPerMinute=60", "--RateLimits:KeyPerMinute=30",
        ],
        adjust: null,
        TestContext.Current.CancellationToken);

    [Fact]
    public async Task Strangers_users_and_keys_have_each_their_own_limit_and_are_told_of_it()
    {
        using var stranger = Clients.At(platform.Address);
        var pair = await (await stranger.PostAsJsonAsync("/api/v1/auth/token", new { email = PlatformFixture.Email, password = PlatformFixture.Password })).JsonAsync();
        using var user = Clients.At(platform.Address, pair.Text("accessToken"));
        var key = (await (await user.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "program" })).JsonAsync()).Text("key");
        using var program = Clients.At(platform.Address, key);

        await RunDryAsync(stranger, "/nothing");
        Assert.Equal(HttpStatusCode.OK, (await stranger.GetAsync("/health/live")).StatusCode);

        // A header cannot make somebody another caller.
        using var disguised = new HttpRequestMessage(HttpMethod.Get, "/nothing") { Headers = { { "X-Forwarded-For", "203.0.113.9" }, { "X-Real-IP", "203.0.113.9" } } };
        Assert.Equal(HttpStatusCode.TooManyRequests, (await stranger.SendAsync(disguised, TestContext.Current.CancellationToken)).StatusCode);

        var first = await program.GetAsync("/v1/models");
        Assert.Equal("30", first.Headers.GetValues("x-ratelimit-limit-requests").Single());
        Assert.InRange(int.Parse(first.Headers.GetValues("x-ratelimit-remaining-requests").Single(), System.Globalization.CultureInfo.InvariantCulture), 20, 29);
        await RunDryAsync(program, "/v1/models");
        Assert.Equal(HttpStatusCode.OK, (await user.GetAsync("/v1/models")).StatusCode);
        await RunDryAsync(user, "/v1/models");
    }

    public async ValueTask DisposeAsync()
    {
        await platform.DisposeAsync();
        folder.Delete(recursive: true);
    }

    private static async Task RunDryAsync(HttpClient client, string path)
    {
        var answer = await Eventually.Async(() => client.GetAsync(path), answer => answer.StatusCode == HttpStatusCode.TooManyRequests);
        Assert.Contains("rate.limited", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
    }
}
