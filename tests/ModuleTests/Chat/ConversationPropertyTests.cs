using System.Net.Http.Json;
using System.Text.Json;
using CsCheck;
using LlmPlatform.Chat;
using LlmPlatform.ModuleTests.Support;
using Marten;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat;

/// <summary>Whatever somebody does: every version is shown as it was, and the documents can be made again from the events alone.</summary>
public sealed class ConversationPropertyTests : IAsyncLifetime
{
    private OwnPlatform platform = null!;

    public async ValueTask InitializeAsync()
    {
        platform = await OwnPlatform.StartAsync(clock: null);
        await platform.InstallTinyAsync("tiny");
    }

    public ValueTask DisposeAsync() => platform.DisposeAsync();

    [Fact]
    public async Task Any_sequence_of_commands_can_be_replayed_to_any_version_and_a_rebuilt_projection_equals_the_live_one()
    {
        await Gen.Select(Gen.Int[0, 10], Gen.Int[0, 1000]).List[8, 20].SampleAsync(RunAsync, iter: 12, threads: 1, seed: "0000Fj2MqvO1");

        var store = platform.Services.GetRequiredService<IChatStore>();
        var live = await DocumentsAsync(store);
        Assert.True(live.Count > 50);
        using (var daemon = await store.BuildProjectionDaemonAsync())
        {
            await daemon.RebuildProjectionAsync("Conversations", TestContext.Current.CancellationToken);
        }

        Assert.Equal(live, await DocumentsAsync(store));
    }

    private async Task RunAsync(List<(int Command, int Which)> commands)
    {
        var client = platform.Administrator;
        var conversation = await client.StartAsync(new { model = "tiny", title = "t" });
        var path = $"/api/v1/chat/conversations/{conversation.Text("id")}";
        var seen = new Dictionary<long, string>();
        await NoteAsync();
        foreach (var (command, which) in commands)
        {
            var all = (await client.ConversationAsync(conversation, "?branches=all")).GetProperty("messages").EnumerateArray().ToList();
            var message = all.Count == 0 ? default : all[which % all.Count];
            var isReply = all.Count > 0 && message.Text("role") == "assistant";
            await (command switch
            {
                0 or 1 => AskAsync("messages", new { content = $"say {which}", maxTokens = 1 }),
                2 when all.Count > 0 => AskAsync("messages", new { content = $"under {which}", parentId = message.Text("id"), maxTokens = 1 }),
                3 when all.Count > 0 && !isReply => AskAsync($"messages/{message.Text("id")}/edit", new { content = $"edit {which}", maxTokens = 1 }),
                4 when isReply => AskAsync($"messages/{message.Text("id")}/regenerate", new { maxTokens = 2 }),
                5 when isReply => AskAsync($"messages/{message.Text("id")}/continue", new { maxTokens = 1 }),
                6 when all.Count > 0 => client.PutAsJsonAsync($"{path}/branch", new { messageId = message.Text("id") }),
                7 => client.PatchAsJsonAsync(path, new { title = $"title {which}", isPinned = which % 2 == 0 }),
                8 => client.PatchAsJsonAsync(path, new { systemPrompt = $"prompt {which}", settings = new { temperature = which % 2 } }),
                9 => client.PatchAsJsonAsync(path, new { isArchived = which % 2 == 0, tags = (string[])[$"tag{which % 3}"] }),
                10 => client.PostAsJsonAsync("/api/v1/chat/conversations/bulk", new { ids = (string[])[conversation.Text("id")!], action = which % 2 == 0 ? "bin" : "restore" }),
                _ => Task.CompletedTask,
            });
            await NoteAsync();
        }

        foreach (var (version, view) in seen)
        {
            Assert.Equal(view, (await client.ConversationAsync(conversation, $"?branches=all&asOf={version}")).ToString());
        }

        async Task NoteAsync()
        {
            var view = await client.ConversationAsync(conversation, "?branches=all");
            seen[view.GetProperty("version").GetInt64()] = view.ToString();
            AssertTree([.. view.GetProperty("messages").EnumerateArray()], view.Text("activeLeaf"));
        }

        async Task AskAsync(string what, object body)
        {
            using var answer = await client.OpenAsync(HttpMethod.Post, $"{path}/{what}", body);
            if (answer.IsSuccessStatusCode)
            {
                await answer.EventsAsync().CountAsync(TestContext.Current.CancellationToken);
            }
        }
    }

    /// <summary>Every parent was there before its child, a reply answers what a user said, and what is shown is there.</summary>
    internal static void AssertTree(IReadOnlyList<JsonElement> messages, string? leaf)
    {
        var known = new Dictionary<string, JsonElement>();
        foreach (var message in messages)
        {
            var parent = message.Text("parentId");
            Assert.True(parent is null || known.ContainsKey(parent));
            Assert.True(message.Text("role") == "user" || (parent is not null && known[parent].Text("role") == "user"));
            Assert.True(known.TryAdd(message.Text("id")!, message));
        }

        Assert.True(messages.Count == 0 ? leaf is null : known.ContainsKey(leaf!));
    }

    private static async Task<List<string>> DocumentsAsync(IChatStore store)
    {
        await using var session = store.QuerySession();
        return
        [
            .. await session.QueryAsync<string>("select to_jsonb(d.id || ':' || d.data::text || coalesce(d.owner_id::text, '')) #>> '{}' as data from chat.mt_doc_conversation d order by id"),
            .. await session.QueryAsync<string>("select to_jsonb(d.id || ':' || d.data::text || coalesce(d.parent_id::text, '')) #>> '{}' as data from chat.mt_doc_message d order by id"),
        ];
    }
}
