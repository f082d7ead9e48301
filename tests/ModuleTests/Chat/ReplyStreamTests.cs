using System.Net;
using System.Net.Http.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat;

public sealed class ReplyStreamTests(PlatformFixture platform)
{
    [Fact]
    public async Task A_reader_who_left_goes_on_where_it_was_and_has_the_whole_reply_once()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync();
        var events = await user.SayAsync(conversation, "Once upon a time", maxTokens: 60);

        for (var cut = 0; cut < events.Count - 1; cut++)
        {
            var rest = await user.FollowAsync(conversation.Text("id")!, events.MessageOf(), events[cut].Id);
            Assert.Equal(events.TextOf(), events.Take(cut + 1).TextOf() + rest.TextOf());
            Assert.Equal("done", rest[^1].Name);
            Assert.Equal(events[^1].Id, rest[^1].Id);
        }

        using var over = await user.OpenAsync(HttpMethod.Get, Stream(conversation.Text("id"), events.MessageOf()), lastEventId: events[^1].Id);
        Assert.Equal(HttpStatusCode.NoContent, over.StatusCode);
    }

    [Fact]
    public async Task A_reply_goes_on_without_a_reader_and_all_who_come_read_the_same()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync();
        string message;
        using (var left = await user.OpenAsync(HttpMethod.Post, $"/api/v1/chat/conversations/{conversation.Text("id")}/messages", new { content = "Once", maxTokens = 200, temperature = 0 }))
        {
            message = (await left.EventsAsync().FirstAsync(TestContext.Current.CancellationToken)).Data.Text("messageId")!;
        }

        var readers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => user.FollowAsync(conversation.Text("id")!, message)));

        var stored = (await user.ConversationAsync(conversation)).GetProperty("messages")[1];
        Assert.All(readers, reader => Assert.Equal(stored.Text("content"), reader.TextOf()));
        Assert.Equal(200, stored.GetProperty("usage").GetProperty("completionTokens").GetInt32());
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("abc")]
    [InlineData("99999999999999999999")]
    public async Task An_id_that_is_none_is_refused(string id)
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync();
        var events = await user.SayAsync(conversation, "Once", maxTokens: 2);

        using var answer = await user.OpenAsync(HttpMethod.Get, Stream(conversation.Text("id"), events.MessageOf()), lastEventId: id);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("stream.last_event_id", (await answer.JsonAsync()).Text("code"));
    }

    [Fact]
    public async Task A_stopped_reply_keeps_what_it_said_and_can_be_continued_to_what_it_would_have_said()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync();
        var id = conversation.Text("id")!;
        using var open = await user.OpenAsync(HttpMethod.Post, $"/api/v1/chat/conversations/{id}/messages", new { content = "Once", maxTokens = 400, temperature = 0, stop = (string[])["never said"] });
        var events = new List<ReplyEvent>();
        await foreach (var e in open.EventsAsync())
        {
            events.Add(e);
            if (events.TextOf().Length > 20 && !events.Any(x => x.Name == "stopping"))
            {
                var stopped = await (await user.PostAsync($"/api/v1/chat/conversations/{id}/messages/{events.MessageOf()}/stop", null)).JsonAsync();
                Assert.Contains(stopped.Text("state"), (string[])["stopped", "completed"]);
                events.Add(e with { Name = "stopping" });
            }
        }

        Assert.Equal("done", events[^1].Name);
        var before = (await user.ConversationAsync(conversation)).GetProperty("messages")[1].Text("content")!;
        Assert.Equal(before, events.TextOf());

        using var more = await user.OpenAsync(HttpMethod.Post, $"/api/v1/chat/conversations/{id}/messages/{events.MessageOf()}/continue", new { maxTokens = 30, temperature = 0 });
        var continued = await more.EventsAsync().ToListAsync(TestContext.Current.CancellationToken);

        Assert.Equal(["accepted", "continued", "context"], continued.Take(3).Select(e => e.Name));
        Assert.Equal("done", continued[^1].Name);
        var message = (await user.ConversationAsync(conversation)).GetProperty("messages")[1];
        Assert.Equal(before + continued.TextOf(), message.Text("content"));
        Assert.Equal("completed", message.Text("state"));
        Assert.NotEqual("", continued.TextOf());
        // Whoever had read to the stop reads on as if it had never been.
        Assert.Equal(continued.TextOf(), (await user.FollowAsync(id, events.MessageOf(), events[^1].Id)).TextOf());
    }

    [Fact]
    public async Task A_continued_greedy_reply_says_what_it_would_have_said()
    {
        Assert.SkipWhen(RealModel.Path is null, RealModel.Missing); // random weights write words in tokens that nobody would cut them into again
        using var user = await platform.UserAsync();
        var whole = await user.SayAsync(await user.StartAsync(), "Once upon a time", maxTokens: 40);
        var conversation = await user.StartAsync();
        var half = await user.SayAsync(conversation, "Once upon a time", maxTokens: 20);

        using var more = await user.OpenAsync(
            HttpMethod.Post, $"/api/v1/chat/conversations/{conversation.Text("id")}/messages/{half.MessageOf()}/continue", new { maxTokens = 20, temperature = 0 });
        var rest = await more.EventsAsync().ToListAsync(TestContext.Current.CancellationToken);

        Assert.Equal(whole.TextOf(), half.TextOf() + rest.TextOf());
        Assert.Equal(40, rest[^1].Data.GetProperty("usage").GetProperty("completionTokens").GetInt32());
    }

    [Fact]
    public async Task Messages_that_are_sent_while_a_reply_runs_wait_for_their_turn_and_know_what_was_said_before()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync();

        var replies = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => user.SayAsync(conversation, $"message {i}", maxTokens: 30)));

        Assert.All(replies, reply => Assert.Equal("done", reply[^1].Name));
        var messages = (await user.ConversationAsync(conversation)).GetProperty("messages").EnumerateArray().ToList();
        Assert.Equal(12, messages.Count);
        Assert.Equal(messages.Take(11).Select(m => m.Text("id")), messages.Skip(1).Select(m => m.Text("parentId")));
        var prompts = messages.Where(m => m.Text("role") == "assistant").Select(m => m.GetProperty("usage").GetProperty("promptTokens").GetInt32()).ToList();
        Assert.Equal(prompts.Order(), prompts); // each was shown the replies before it
        Assert.Equal(6, prompts.Distinct().Count());
    }

    [Fact]
    public async Task A_temporary_chat_is_answered_and_stored_nowhere()
    {
        using var user = await platform.UserAsync();
        using var answer = await user.OpenAsync(
            HttpMethod.Post, "/api/v1/chat/temporary", new { model = PlatformFixture.Model, messages = (object[])[new { role = "user", content = "Once upon a time" }], maxTokens = 20, temperature = 0 });
        var events = await answer.EventsAsync().ToListAsync(TestContext.Current.CancellationToken);

        Assert.Equal("done", events[^1].Name);
        Assert.Equal((await user.SayAsync(await user.StartAsync(), "Once upon a time", maxTokens: 20)).TextOf(), events.TextOf());
        Assert.Equal(1, (await user.GetJsonAsync("/api/v1/chat/conversations")).GetProperty("items").GetArrayLength());
        var refused = await user.PostAsJsonAsync("/api/v1/chat/temporary", new { messages = (object[])[new { role = "assistant", content = "Hello" }] });
        Assert.Equal("param.invalid", (await refused.JsonAsync()).Text("code"));
    }

    private static string Stream(string? conversation, string message) => $"/api/v1/chat/conversations/{conversation}/messages/{message}/stream";
}
