using System.Net;
using System.Net.Http.Json;
using LlmPlatform.Chat;
using LlmPlatform.Chat.Tools;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat;

public sealed class SaveToolServerTests(PlatformFixture platform)
{
    private const string Address = "http://127.0.0.1:9/mcp";

    public static TheoryData<string, object> Wrong => new()
    {
        { "tools.title_invalid", new { title = " ", address = Address } },
        { "tools.title_invalid", new { title = "two\nlines", address = Address } },
        { "tools.address_invalid", new { title = "A", address = "" } },
        { "tools.address_invalid", new { title = "A", address = "ftp://example.com/" } },
        { "tools.address_invalid", new { title = "A", address = "file:///etc/passwd" } },
        { "tools.address_invalid", new { title = "A", address = "/mcp" } },
        { "tools.address_invalid", new { title = "A", address = "https://user:secret@example.com/mcp" } },
        { "tools.address_invalid", new { title = "A", address = $"https://example.com/{new string('a', 2000)}" } },
        { "tools.token_invalid", new { title = "A", address = Address, token = "two\r\nX-Header: lines" } },
        { "tools.groups_invalid", new { title = "A", address = Address, groups = new[] { "" } } },
        { "tools.groups_invalid", new { title = "A", address = Address, groups = new[] { "\0" } } },
        { "tools.groups_invalid", new { title = "A", address = Address, groups = new string?[] { null } } },
    };

    [Theory, MemberData(nameof(Wrong))]
    public async Task What_is_no_tool_server_is_refused_and_changes_nothing(string code, object body)
    {
        Assert.Equal($"400 {code}", await (await PutAsync("wrong", body)).CodeAsync());
        Assert.Null(await platform.Administrator.FindToolServerAsync("wrong"));
    }

    [Fact]
    public async Task Names_can_be_typed_and_told_apart_from_those_of_tools()
    {
        foreach (var name in (string[])["Upper", "under_score", "dot.ted", new('a', 33)])
        {
            Assert.Equal("422 tools.name_invalid", await (await PutAsync(name, new { title = "A", address = Address })).CodeAsync());
        }
    }

    [Fact]
    public async Task Two_people_who_edit_at_once_do_not_undo_each_other()
    {
        await platform.Administrator.SaveToolServerAsync("edited", new { title = "First", address = Address });
        foreach (var expectedVersion in (int?[])[null, 2])
        {
            Assert.Equal("409 tools.version_conflict", await (await PutAsync("edited", new { title = "Blind", address = Address, expectedVersion })).CodeAsync());
        }

        Assert.Equal(2, (await platform.Administrator.SaveToolServerAsync("edited", new { title = "Second", address = Address, expectedVersion = 1 })).GetProperty("version").GetInt32());
        Assert.Equal("409 tools.version_conflict", await (await PutAsync("never-made", new { title = "A", address = Address, expectedVersion = 1 })).CodeAsync());
        await Eventually.Async(() => platform.Administrator.GetStringAsync("/api/v1/admin/audit?target=tool-server:edited"), found => found.Contains("chat.tool_server_saved"));
    }

    [Fact]
    public async Task A_token_is_sent_to_its_server_and_shown_to_nobody_nor_taken_along_to_another_address()
    {
        await using var host = await ToolServerHost.StartAsync();
        const string token = "secret-of-the-tool-server";
        var name = await host.RegisterAsync(platform.Administrator, token);
        using var user = await platform.UserAsync();
        Assert.Contains("echo", await user.GetStringAsync($"{ToolClients.Servers}/{name}/tools"), StringComparison.Ordinal);
        Assert.NotEmpty(host.Credentials);
        Assert.All(host.Credentials, credential => Assert.Equal($"Bearer {token}", credential));

        var shown = (await platform.Administrator.FindToolServerAsync(name))!.Value;
        Assert.True(shown.GetProperty("hasToken").GetBoolean());
        Assert.DoesNotContain(token, shown.GetRawText(), StringComparison.Ordinal);
        await using (var session = platform.Platform.App.Services.GetRequiredService<IChatStore>().QuerySession())
        {
            Assert.DoesNotContain(token, System.Text.Json.JsonSerializer.Serialize(await session.LoadAsync<ToolServer>(name)), StringComparison.Ordinal);
        }

        var moved = new { title = "Moved", address = $"{host.Address}?moved", expectedVersion = 1 };
        Assert.Equal("422 tools.token_missing", await (await PutAsync(name, moved)).CodeAsync());
        Assert.True((await platform.Administrator.SaveToolServerAsync(name, new { title = "Kept", address = host.Address, expectedVersion = 1 })).GetProperty("hasToken").GetBoolean());
        Assert.False((await platform.Administrator.SaveToolServerAsync(name, new { title = "Moved", moved.address, token = "", expectedVersion = 2 })).GetProperty("hasToken").GetBoolean());
        host.Credentials.Clear();
        await user.GetStringAsync($"{ToolClients.Servers}/{name}/tools");
        Assert.All(host.Credentials, Assert.Empty);
    }

    [Fact]
    public async Task Users_see_the_servers_they_may_use_without_where_they_are()
    {
        await platform.Administrator.SaveToolServerAsync("seen", new { title = "Seen", address = Address });
        await platform.Administrator.SaveToolServerAsync("off", new { title = "Off", address = Address, enabled = false });
        await platform.Administrator.SaveToolServerAsync("closed", new { title = "Closed", address = Address, groups = Array.Empty<string>() });
        using var user = await platform.UserAsync();
        var seen = (await user.FindToolServerAsync("seen"))!.Value;
        Assert.Equal("Seen", seen.Text("title"));
        Assert.DoesNotContain("127.0.0.1", seen.GetRawText(), StringComparison.Ordinal);
        foreach (var hidden in (string[])["off", "closed"])
        {
            Assert.Null(await user.FindToolServerAsync(hidden));
            Assert.Equal(Address, (await platform.Administrator.FindToolServerAsync(hidden))!.Value.Text("address"));
            Assert.Equal("404 tools.server_not_found", await (await user.GetAsync($"{ToolClients.Servers}/{hidden}/tools", TestContext.Current.CancellationToken)).CodeAsync());
        }
    }

    [Fact]
    public async Task A_server_that_is_made_anew_has_nobodys_consent()
    {
        await platform.Administrator.SaveToolServerAsync("reborn", new { title = "Reborn", address = Address });
        using var user = await platform.UserAsync();
        (await user.ConsentAsync("reborn", "*")).EnsureSuccessStatusCode();
        Assert.Equal(HttpStatusCode.NoContent, (await platform.Administrator.DeleteAsync($"{ToolClients.Servers}/reborn")).StatusCode);
        Assert.Equal("404 tools.server_not_found", await (await platform.Administrator.DeleteAsync($"{ToolClients.Servers}/reborn")).CodeAsync());
        await platform.Administrator.SaveToolServerAsync("reborn", new { title = "Reborn", address = Address });
        Assert.Equal(System.Text.Json.JsonValueKind.Null, (await user.FindToolServerAsync("reborn"))!.Value.GetProperty("consent").ValueKind);
        await Eventually.Async(() => platform.Administrator.GetStringAsync("/api/v1/admin/audit?target=tool-server:reborn"), found => found.Contains("chat.tool_server_deleted"));
    }

    private Task<HttpResponseMessage> PutAsync(string name, object body) => platform.Administrator.PutAsJsonAsync($"{ToolClients.Servers}/{name}", body);
}
