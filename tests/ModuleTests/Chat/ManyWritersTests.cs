using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat;

public sealed class ManyWritersTests(PlatformFixture platform)
{
    private const int Writers = 50;
    private const int MessagesOfEach = 20;

    [Fact]
    public async Task What_fifty_writers_were_told_is_there_is_there_each_once_and_in_one_tree()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync();
        var id = conversation.Text("id")!;

        var acknowledged = (await Task.WhenAll(Enumerable.Range(0, Writers).Select(WriteAsync))).SelectMany(a => a).ToList();

        Assert.Equal(Writers * MessagesOfEach, acknowledged.Count);
        var view = await user.ConversationAsync(conversation, "?branches=all");
        var messages = view.GetProperty("messages").EnumerateArray().ToList();
        Assert.Equal(2 * Writers * MessagesOfEach, messages.Count);
        ConversationPropertyTests.AssertTree(messages, view.Text("activeLeaf"));
        var there = messages.Where(m => m.Text("role") == "user").ToDictionary(m => m.Text("id")!, m => m.Text("content")!);
        Assert.All(acknowledged, a => Assert.Equal(a.Content, there[a.Id]));
        Assert.Equal(acknowledged.Select(a => a.Content).Order(), there.Values.Order());
        // Nobody said under which message, so the tree is one branch: what each appended to was the last there was.
        Assert.Equal(messages.Count, (await user.ConversationAsync(conversation)).GetProperty("messages").GetArrayLength());
        Assert.Equal(System.Net.HttpStatusCode.NoContent, (await user.DeleteAsync($"/api/v1/chat/conversations/{id}?forever=true")).StatusCode);

        async Task<List<(string Id, string Content)>> WriteAsync(int writer)
        {
            var told = new List<(string, string)>();
            for (var i = 0; i < MessagesOfEach; i++)
            {
                var content = $"{writer}:{i}";
                using var open = await user.OpenAsync(HttpMethod.Post, $"/api/v1/chat/conversations/{id}/messages", new { content, maxTokens = 1 });
                var accepted = await open.EventsAsync().FirstAsync(TestContext.Current.CancellationToken);
                told.Add((accepted.Data.Text("userMessageId")!, content));
            }

            return told;
        }
    }

    [Fact]
    public async Task More_senders_than_the_database_has_connections_make_nobody_else_wait_for_long()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync();
        var sending = Task.WhenAll(Enumerable.Range(0, 150).Select(async i =>
        {
            using var open = await user.OpenAsync(HttpMethod.Post, $"/api/v1/chat/conversations/{conversation.Text("id")}/messages", new { content = $"m{i}", maxTokens = 1 });
            return (await open.EventsAsync().FirstAsync(TestContext.Current.CancellationToken)).Name;
        }));
        var answered = 0;
        while (!sending.IsCompleted)
        {
            Assert.Equal(System.Net.HttpStatusCode.OK, (await platform.Administrator.GetAsync("/api/v1/chat/conversations")).StatusCode);
            answered++;
        }

        Assert.All(await sending, name => Assert.Equal("accepted", name));
        Assert.True(answered > 3);
        await user.DeleteAsync($"/api/v1/chat/conversations/{conversation.Text("id")}?forever=true");
    }

    [Fact]
    public async Task Of_writers_who_have_seen_the_same_one_is_taken_and_those_who_read_again_lose_nothing()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync();
        var conflicts = 0;

        await Task.WhenAll(Enumerable.Range(0, 10).Select(async writer =>
        {
            while (true)
            {
                var version = (await user.ConversationAsync(conversation)).GetProperty("version").GetInt64();
                using var open = await user.OpenAsync(HttpMethod.Post, $"/api/v1/chat/conversations/{conversation.Text("id")}/messages", new { content = $"w{writer}", expectedVersion = version, maxTokens = 1 });
                if (open.IsSuccessStatusCode)
                {
                    await open.EventsAsync().CountAsync(TestContext.Current.CancellationToken);
                    return;
                }

                Assert.Equal("version.conflict", (await open.JsonAsync()).Text("code"));
                Interlocked.Increment(ref conflicts);
            }
        }));

        var said = (await user.ConversationAsync(conversation)).GetProperty("messages").EnumerateArray().Where(m => m.Text("role") == "user").Select(m => m.Text("content"));
        Assert.Equal(Enumerable.Range(0, 10).Select(w => $"w{w}"), said.Order());
        Assert.True(conflicts > 0);
    }
}
