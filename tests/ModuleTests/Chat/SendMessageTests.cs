using System.Net;
using System.Net.Http.Json;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Chat.Replies;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat;

public sealed class SendMessageTests(PlatformFixture platform)
{
    [Fact]
    public async Task A_reply_is_streamed_and_what_was_streamed_is_what_is_stored()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync();

        var events = await user.SayAsync(conversation, "Once upon a time", maxTokens: 40);

        Assert.Equal(["accepted", "context"], events.Take(2).Select(e => e.Name));
        Assert.Equal("done", events[^1].Name);
        Assert.Equal("length", events[^1].Data.Text("finishReason"));
        Assert.Equal(40, events[^1].Data.GetProperty("usage").GetProperty("completionTokens").GetInt32());
        Assert.Equal(events.Select(e => e.Place).Order(), events.Select(e => e.Place));
        var shown = await user.ConversationAsync(conversation);
        var messages = shown.GetProperty("messages").EnumerateArray().ToList();
        Assert.Equal(["user", "assistant"], messages.Select(m => m.Text("role")));
        Assert.Equal("Once upon a time", messages[0].Text("content"));
        Assert.Equal(events.TextOf(), messages[1].Text("content"));
        Assert.NotEqual("", messages[1].Text("content"));
        Assert.Equal("completed", messages[1].Text("state"));
        Assert.Equal(messages[0].Text("id"), messages[1].Text("parentId"));
        Assert.InRange(events[^1].Data.GetProperty("version").GetInt64(), 4, shown.GetProperty("version").GetInt64()); // a title may have come since
    }

    [Fact]
    public async Task A_message_by_whoever_has_not_seen_the_last_one_is_refused_with_the_version_there_is_and_loses_nothing()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync();
        await user.SayAsync(conversation, "first");

        var answer = await user.PostAsJsonAsync($"/api/v1/chat/conversations/{conversation.Text("id")}/messages", new { content = "second", expectedVersion = 1 });

        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        var problem = await answer.JsonAsync();
        Assert.Equal("version.conflict", problem.Text("code"));
        var version = (await user.ConversationAsync(conversation)).GetProperty("version").GetInt64();
        Assert.Equal(version, problem.GetProperty("version").GetInt64());
        var again = await user.SayAsync(conversation.Text("id")!, new { content = "second", expectedVersion = version, maxTokens = 4 });
        Assert.Equal("done", again[^1].Name);
        Assert.Equal(4, (await user.ConversationAsync(conversation)).GetProperty("messages").GetArrayLength());
    }

    [Theory]
    [InlineData("""{"content":""}""", "param.invalid")]
    [InlineData("""{"content":"a\u0000b"}""", "param.invalid")]
    [InlineData("""{"content":"a","temperature":3}""", "param.invalid")]
    [InlineData("""{"content":"a","expectedVersion":0}""", "param.invalid")]
    [InlineData("""{"content":"a","model":""}""", "param.invalid")]
    [InlineData("""{"content":"a","colour":"red"}""", "param.unknown")]
    [InlineData("""{"content":"a","conversationId":"01930000-0000-7000-8000-00000000dead"}""", "param.unknown")]
    [InlineData("""{"content":"a","attachments":[{"name":"a\nb","content":"c"}]}""", "attachment.name")]
    [InlineData("""{"content":"a","attachments":[{"name":"a","content":"\u0000"}]}""", "attachment.not_text")]
    [InlineData("""{"content":7}""", "json.invalid")]
    [InlineData("""{}""", "json.invalid")]
    [InlineData("""{"content":"a","parentId":"01930000-0000-7000-8000-00000000dead"}""", "message.not_found")]
    [InlineData("""{"content":"a","model":"no-such-model"}""", "model_not_found")]
    public async Task A_message_that_cannot_be_taken_says_why_and_stores_nothing(string body, string code)
    {
        var conversation = await platform.Administrator.StartAsync();

        var answer = await platform.Administrator.PostAsync(
            $"/api/v1/chat/conversations/{conversation.Text("id")}/messages", new StringContent(body, System.Text.Encoding.UTF8, "application/json"));

        Assert.Equal(code, (await answer.JsonAsync()).Text("code"));
        var after = await platform.Administrator.ConversationAsync(conversation);
        Assert.Equal(1, after.GetProperty("version").GetInt64());
        Assert.Equal(0, after.GetProperty("messages").GetArrayLength());
    }

    [Fact]
    public void Nobodys_words_get_into_a_log_with_a_command_that_fails()
    {
        var order = new ReplyOrder(Guid.Empty, Guid.Empty, null, 0, new ModelUser(Guid.Empty, "user"), "m", new ChatSettings(), null);
        object[] commands =
        [
            new SendMessage("secret words"), new EditMessage("secret words"), new EndReply(order, MessageState.Completed, MessageBody.Of("secret words"), null, null, null),
        ];

        Assert.All(commands, command => Assert.DoesNotContain("secret", command.ToString(), StringComparison.Ordinal));
    }
}
