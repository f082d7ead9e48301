using LlmPlatform.Inference.Contracts;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat;

/// <summary>Replies that call real servers. The model is scripted, because models as small as ours are cut off before they have written a call.</summary>
public sealed class ToolCallTests : IAsyncLifetime
{
    private readonly List<GenerationRequest> asked = [];
    private OwnPlatform platform = null!;
    private ToolServerHost server = null!;

    public async ValueTask InitializeAsync()
    {
        platform = await OwnPlatform.StartAsync(services => services.AddSingleton<ITextGenerator>(new ScriptedGenerator((request, _) => Script(request))), "--Chat:Titles=false");
        await platform.InstallTinyAsync("tiny");
        server = await ToolServerHost.StartAsync();
        await platform.Administrator.SaveToolServerAsync("parrot", new { title = "Parrot", address = server.Address });
    }

    public async ValueTask DisposeAsync()
    {
        await platform.DisposeAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Nothing_runs_without_consent_and_with_it_the_call_and_its_result_are_stored_and_shown_to_the_model()
    {
        var conversation = await platform.Administrator.StartAsync(new { model = "tiny", settings = new { toolServers = (string[])["parrot"] } });
        var id = conversation.Text("id")!;

        var refused = await platform.Administrator.SayAsync(id, new { content = "call" });
        Assert.Equal(("error", "tools.consent_required"), (refused[^1].Name, refused[^1].Data.Text("code")));
        Assert.Empty(server.Called);

        (await platform.Administrator.ConsentAsync("parrot", "*")).EnsureSuccessStatusCode();
        var events = await platform.Administrator.SayAsync(id, new { content = "call" });

        Assert.Equal(["accepted", "context", "delta", "toolCall", "toolResult", "context", "delta", "done"], events.Select(e => e.Name));
        Assert.Equal("echo", Assert.Single(server.Called));
        Assert.Equal(["user", "assistant", "tool"], asked[^1].Messages.TakeLast(3).Select(m => m.Role));
        Assert.Equal("hello", asked[^1].Messages[^1].Content);
        Assert.Equal(6, events[^1].Data.GetProperty("usage").GetProperty("completionTokens").GetInt32()); // of both rounds
        var stored = (await platform.Administrator.ConversationAsync(conversation)).GetProperty("messages").EnumerateArray().Last();
        Assert.Equal("I look. It says hello", stored.Text("content"));
        Assert.Equal(("parrot__echo", """{"text":"hello"}""", "hello"), (stored.GetProperty("tools")[0].Text("name"), stored.GetProperty("tools")[0].Text("arguments"), stored.GetProperty("tools")[0].Text("result")));

        // Whoever comes later is told the same, from any place.
        for (var cut = 0; cut < events.Count - 1; cut++)
        {
            Assert.Equal(events.Skip(cut + 1).Select(e => (e.Id, e.Name)), (await platform.Administrator.FollowAsync(id, events.MessageOf(), events[cut].Id)).Select(e => (e.Id, e.Name)));
        }

        await platform.Administrator.SayAsync(id, new { content = "call", toolChoice = "none" });
        Assert.Empty(asked[^1].Tools);
        Assert.Contains(asked[^1].Messages, m => m.Role == "tool"); // what was called before is known
    }

    [Fact]
    public async Task A_model_that_calls_without_end_is_made_to_answer()
    {
        (await platform.Administrator.ConsentAsync("parrot", "*")).EnsureSuccessStatusCode();
        var conversation = await platform.Administrator.StartAsync(new { model = "tiny", settings = new { toolServers = (string[])["parrot"] } });

        var events = await platform.Administrator.SayAsync(conversation, "call for ever");

        Assert.Equal("done", events[^1].Name);
        Assert.Equal(8, asked.Count);
        Assert.Equal(7, server.Called.Count);
        Assert.Equal(ToolChoiceMode.None, asked[^1].ToolChoice.Mode);
    }

    [Fact]
    public async Task A_tool_that_is_not_there_is_a_result_for_the_model_and_not_a_call()
    {
        (await platform.Administrator.ConsentAsync("parrot", "*")).EnsureSuccessStatusCode();
        var conversation = await platform.Administrator.StartAsync(new { model = "tiny", settings = new { toolServers = (string[])["parrot"] } });

        var events = await platform.Administrator.SayAsync(conversation, "call nothing");

        Assert.True(events.Single(e => e.Name == "toolResult").Data.GetProperty("isError").GetBoolean());
        Assert.Equal("done", events[^1].Name);
        Assert.Empty(server.Called);
    }

    private async IAsyncEnumerable<GenerationEvent> Script(GenerationRequest request)
    {
        await Task.Yield();
        asked.Add(request);
        var wish = request.Messages.Last(m => m.Role == "user").Content;
        var isAnswered = request.Messages[^1].Role == "tool";
        yield return new PromptAccepted(10);
        if (request.Tools.Count > 0 && request.ToolChoice.Mode != ToolChoiceMode.None && (!isAnswered || wish.EndsWith("ever", StringComparison.Ordinal)))
        {
            yield return new TextDelta("I look. ", 1);
            yield return new ToolCallStarted(0, $"call{asked.Count}", wish.EndsWith("nothing", StringComparison.Ordinal) ? "parrot__fly" : request.Tools[0].Name, 2);
            yield return new ToolCallDelta(0, """{"text":""", 3);
            yield return new ToolCallDelta(0, "\"hello\"}", 4);
            yield return ScriptedGenerator.End(FinishReason.ToolCalls, 4);
        }
        else
        {
            yield return new TextDelta($"It says {request.Messages[^1].Content}", 2);
            yield return ScriptedGenerator.End(FinishReason.Stop, 2);
        }
    }
}
