using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmPlatform.Chat;
using LlmPlatform.Chat.Tools;
using LlmPlatform.ModuleTests.Support;
using Marten;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat;

public sealed class GiveConsentTests(PlatformFixture platform)
{
    private const string Server = "consented";

    public static TheoryData<object> Wrong => [new { tools = Array.Empty<string>() }, new { tools = new[] { "" } }, new { tools = new[] { "*", "echo" } }, new { tools = new string('a', 129).Select(c => $"{c}") }, new { tools = new[] { "\0" } }, new { tools = new string?[] { null } }];

    [Theory, MemberData(nameof(Wrong))]
    public async Task What_is_no_consent_is_refused(object body)
    {
        using var user = await UserAsync();
        var answer = await user.PutAsJsonAsync($"{ToolClients.Servers}/{Server}/consent", body, TestContext.Current.CancellationToken);
        Assert.Equal("400 tools.consent_invalid", await answer.CodeAsync());
        Assert.Equal(JsonValueKind.Null, (await ConsentOfAsync(user)).ValueKind);
    }

    [Fact]
    public async Task A_consent_is_shown_to_its_owner_alone_replaced_by_another_and_taken_back()
    {
        using var user = await UserAsync();
        using var other = await UserAsync();
        (await user.ConsentAsync(Server, "one", "two", "one")).EnsureSuccessStatusCode();
        Assert.Equal(["one", "two"], (await ConsentOfAsync(user)).GetProperty("tools").EnumerateArray().Select(t => t.GetString()));
        Assert.InRange((await ConsentOfAsync(user)).GetProperty("at").GetDateTimeOffset(), TimeProvider.System.GetUtcNow().AddMinutes(-1), TimeProvider.System.GetUtcNow());
        Assert.Equal(JsonValueKind.Null, (await ConsentOfAsync(other)).ValueKind);
        (await user.ConsentAsync(Server, "*")).EnsureSuccessStatusCode();
        Assert.Equal("*", Assert.Single((await ConsentOfAsync(user)).GetProperty("tools").EnumerateArray()).GetString());
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(HttpStatusCode.NoContent, (await user.DeleteAsync($"{ToolClients.Servers}/{Server}/consent")).StatusCode);
        }

        Assert.Equal(JsonValueKind.Null, (await ConsentOfAsync(user)).ValueKind);
        Assert.Equal("404 tools.server_not_found", await (await user.DeleteAsync($"{ToolClients.Servers}/no-such-server/consent")).CodeAsync());
        Assert.Equal("404 tools.server_not_found", await (await user.ConsentAsync("no-such-server", "*")).CodeAsync());
    }

    [Fact]
    public async Task A_consent_is_in_the_archive_of_its_owner_and_goes_with_them()
    {
        using var user = await UserAsync();
        var id = Guid.Parse((await user.GetJsonAsync("/api/v1/auth/me")).Text("id")!);
        (await user.ConsentAsync(Server, "echo")).EnsureSuccessStatusCode();
        await using (var zip = new ZipArchive(await user.GetStreamAsync("/api/v1/auth/me/export")))
        {
            using var file = new StreamReader(zip.GetEntry("chat/tool-consents.json")!.Open());
            Assert.Contains(Server, await file.ReadToEndAsync(), StringComparison.Ordinal);
        }

        using var erase = new HttpRequestMessage(HttpMethod.Delete, "/api/v1/auth/me") { Content = JsonContent.Create(new { password = PlatformFixture.Password }) };
        (await user.SendAsync(erase)).EnsureSuccessStatusCode();
        var store = platform.Platform.App.Services.GetRequiredService<IChatStore>();
        await Eventually.Async(
            async () =>
            {
                await using var session = store.QuerySession();
                return await session.Query<ToolConsent>().CountAsync(c => c.UserId == id);
            },
            count => count == 0);
    }

    private async Task<HttpClient> UserAsync()
    {
        // Whichever test comes first makes it.
        await platform.Administrator.PutAsJsonAsync($"{ToolClients.Servers}/{Server}", new { title = "Consented", address = "http://127.0.0.1:9/mcp" });
        return await platform.UserAsync();
    }

    private static async Task<JsonElement> ConsentOfAsync(HttpClient user) => (await user.FindToolServerAsync(Server))!.Value.GetProperty("consent");
}
