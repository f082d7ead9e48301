using System.Net.Http.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat;

/// <summary>A real model asks a real server through a reply.</summary>
public sealed class ToolCallTests(PlatformFixture platform)
{
    [Fact]
    public async Task A_reply_calls_a_tool_only_with_consent_and_stores_what_was_called_and_what_came_back()
    {
        await using var server = await ToolServerHost.StartAsync();
        await platform.Administrator.SaveToolServerAsync("in-replies", new { title = "In replies", address = server.Address });
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync(new { model = PlatformFixture.Model, settings = new { toolServers = (string[])["in-replies"], maxTokens = 300, temperature = 0 } });
        var id = conversation.Text("id")!;

        var refused = await user.SayAsync(id, new { content = "Say hello", toolChoice = "required" });
        Assert.Equal(("error", "tools.consent_required"), (refused[^1].Name, refused[^1].Data.Text("code")));
        Assert.DoesNotContain(refused, e => e.Name == "toolCall");

        (await user.PutAsJsonAsync("/api/v1/chat/tool-servers/in-replies/consent", new { tools = (string[])["*"] })).EnsureSuccessStatusCode();
        var events = await user.SayAsync(id, new { content = "Say hello", toolChoice = "required" });

        var call = events.First(e => e.Name == "toolCall").Data;
        var result = events.First(e => e.Name == "toolResult").Data;
        Assert.StartsWith("in-replies__", call.Text("name"), StringComparison.Ordinal);
        Assert.Equal(call.Text("callId"), result.Text("callId"));
        Assert.Equal("done", events[^1].Name);
        Assert.True(events.Count(e => e.Name == "context") >= 2); // a prompt with the result followed
        var stored = (await user.ConversationAsync(conversation)).GetProperty("messages").EnumerateArray().Last();
        Assert.Equal(call.Text("arguments"), stored.GetProperty("tools")[0].Text("arguments"));
        Assert.Equal(result.Text("text"), stored.GetProperty("tools")[0].Text("result"));

        // Told not to call, it is shown no tool, and its answer goes on from what was called.
        var without = await user.SayAsync(id, new { content = "And now?", toolChoice = "none", maxTokens = 3 });
        Assert.DoesNotContain(without, e => e.Name == "toolCall");
        Assert.Equal("done", without[^1].Name);
    }
}
