using System.Net;
using System.Net.Http.Json;
using LlmPlatform.Host;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

public sealed class SetupTests : IAsyncLifetime
{
    private readonly DirectoryInfo folder = TemporaryFolder.Create("llmp-setup-");
    private Platform platform = null!;
    private HttpClient client = null!;

    private string LinkFile => Path.Combine(folder.FullName, "data", "setup-link");

    public async ValueTask InitializeAsync()
    {
        platform = await Platform.StartAsync(
            ["--Urls=http://127.0.0.1:0", $"--Data:Path={folder.FullName}/data", "--Logging:Level=Error"], adjust: null, TestContext.Current.CancellationToken);
        client = Clients.At(platform.Address);
    }

    [Fact]
    public async Task The_link_makes_one_administrator_however_many_open_it_at_once_and_the_last_one_stays()
    {
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(LinkFile));
        var link = (await File.ReadAllTextAsync(LinkFile, TestContext.Current.CancellationToken)).Trim();
        var token = link[(link.IndexOf("token=", StringComparison.Ordinal) + 6)..];

        var page = await client.GetAsync(new Uri(link).PathAndQuery);
        Assert.Equal((HttpStatusCode.OK, "text/html"), (page.StatusCode, page.Content.Headers.ContentType!.MediaType));
        Assert.Equal("no-referrer", page.Headers.GetValues("Referrer-Policy").Single());

        var wrong = await CompleteAsync("a token of somebody's own", 0);
        Assert.Equal((HttpStatusCode.Unauthorized, "setup.token_invalid"), (wrong.StatusCode, (await wrong.JsonAsync()).Text("code")));
        var weak = await client.PostAsJsonAsync("/api/v1/auth/setup", new { token, email = "ada@example.com", password = "short", name = "Ada" });
        Assert.Equal(HttpStatusCode.BadRequest, weak.StatusCode);

        var answers = await Task.WhenAll(Enumerable.Range(1, 20).Select(i => CompleteAsync(token, i)));
        Assert.Single(answers, a => a.StatusCode == HttpStatusCode.Created);
        Assert.Equal(19, answers.Count(a => a.StatusCode == HttpStatusCode.Conflict));
        Assert.False(File.Exists(LinkFile));

        var winner = await answers.Single(a => a.IsSuccessStatusCode).JsonAsync();
        var signedIn = await client.PostAsJsonAsync("/api/v1/auth/token", new { email = winner.Text("email"), password = PlatformFixture.Password });
        Assert.Equal(HttpStatusCode.OK, signedIn.StatusCode);
        using var administrator = Clients.At(platform.Address, (await signedIn.JsonAsync()).Text("accessToken"));
        Assert.Equal(1, (await administrator.GetJsonAsync("/api/v1/auth/users")).GetProperty("items").GetArrayLength());

        var stepsDown = await administrator.PatchAsJsonAsync($"/api/v1/auth/users/{winner.Text("id")}", new { role = "user" });
        Assert.Equal((HttpStatusCode.Conflict, "user.last_administrator"), (stepsDown.StatusCode, (await stepsDown.JsonAsync()).Text("code")));
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await platform.DisposeAsync();
        folder.Delete(recursive: true);
    }

    private Task<HttpResponseMessage> CompleteAsync(string token, int number) => client.PostAsJsonAsync(
        "/api/v1/auth/setup", new { token, email = $"ada{number}@example.com", password = PlatformFixture.Password, name = "Ada" });
}
