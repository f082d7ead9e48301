using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat;

public sealed class StartConversationTests(PlatformFixture platform)
{
    [Theory]
    [InlineData("""{"model":"no-such-model"}""", "model_not_found")]
    [InlineData("""{"model":"stories","settings":{"temperature":-1}}""", "param.invalid")]
    [InlineData("""{"model":"nul\u0000"}""", "param.invalid")]
    [InlineData("""{"model":"stories","settings":{"stop":["\u0000"]}}""", "param.invalid")]
    [InlineData("""{"model":"stories","settings":{"toolServers":["\u0000"]}}""", "param.invalid")]
    [InlineData("""{"model":"stories","settings":{"temprature":1}}""", "json.invalid")]
    [InlineData("""{"model":"stories","folderId":"01930000-0000-7000-8000-00000000dead"}""", "folder.not_found")]
    public async Task What_cannot_be_started_says_why(string body, string code)
    {
        var answer = await platform.Administrator.PostAsync("/api/v1/chat/conversations", new StringContent(body, System.Text.Encoding.UTF8, "application/json"));
        Assert.Equal(code, (await answer.JsonAsync()).Text("code"));
    }

    [Fact]
    public async Task A_conversation_begins_with_its_model_prompt_and_settings()
    {
        using var user = await platform.UserAsync();
        var started = await user.StartAsync(new { model = PlatformFixture.Model, title = " Tea ", systemPrompt = "Be brief.", settings = new { temperature = 0.5, maxTokens = 7, context = "refuse" } });

        var shown = await user.ConversationAsync(started);
        Assert.Equal(started.ToString(), shown.ToString());
        Assert.Equal("Tea", shown.Text("title"));
        Assert.Equal("Be brief.", shown.Text("systemPrompt"));
        Assert.Equal("refuse", shown.GetProperty("settings").Text("context"));
        Assert.Equal(1, shown.GetProperty("version").GetInt64());
        // The prompt is what the model is asked with: it counts.
        var bare = await user.StartAsync();
        var events = (await user.SayAsync(started, "Hi", 1), await user.SayAsync(bare, "Hi", 1));
        Assert.True(PromptTokens(events.Item1) > PromptTokens(events.Item2));
    }

    private static int PromptTokens(IReadOnlyList<ReplyEvent> events) => events[^1].Data.GetProperty("usage").GetProperty("promptTokens").GetInt32();
}

public sealed class EditMessageTests(PlatformFixture platform)
{
    [Fact]
    public async Task An_edited_message_stands_beside_the_old_one_and_both_branches_stay()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync();
        var id = conversation.Text("id")!;
        var first = await user.SayAsync(conversation, "one");
        await user.SayAsync(conversation, "two");
        var question = first[0].Data.Text("userMessageId")!;

        using var edit = await user.OpenAsync(HttpMethod.Post, $"/api/v1/chat/conversations/{id}/messages/{question}/edit", new { content = "uno", maxTokens = 3 });
        var edited = await edit.EventsAsync().ToListAsync(TestContext.Current.CancellationToken);

        var shown = (await user.ConversationAsync(conversation)).GetProperty("messages").EnumerateArray().ToList();
        Assert.Equal(["uno", edited.TextOf()], shown.Select(m => m.Text("content")));
        Assert.Equal(question, shown[0].Text("editOf"));
        Assert.Equal([question, shown[0].Text("id")], shown[0].GetProperty("siblings").EnumerateArray().Select(s => s.GetString()));
        Assert.Equal(6, (await user.ConversationAsync(conversation, "?branches=all")).GetProperty("messages").GetArrayLength());

        // Back to the old branch: to the newest of its ends.
        var back = await user.PutAsJsonAsync($"/api/v1/chat/conversations/{id}/branch", new { messageId = question });
        Assert.Equal(HttpStatusCode.OK, back.StatusCode);
        shown = [.. (await user.ConversationAsync(conversation)).GetProperty("messages").EnumerateArray()];
        Assert.Equal(["one", "two"], shown.Where(m => m.Text("role") == "user").Select(m => m.Text("content")));
    }

    [Fact]
    public async Task A_reply_is_not_edited_and_a_message_of_another_conversation_is_none()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync();
        var events = await user.SayAsync(conversation, "one", 2);

        var reply = await user.PostAsJsonAsync($"/api/v1/chat/conversations/{conversation.Text("id")}/messages/{events.MessageOf()}/edit", new { content = "x" });
        Assert.Equal((422, "message.not_yours"), ((int)reply.StatusCode, (await reply.JsonAsync()).Text("code")));
        var other = await user.PostAsJsonAsync($"/api/v1/chat/conversations/{(await user.StartAsync()).Text("id")}/messages/{events[0].Data.Text("userMessageId")}/edit", new { content = "x" });
        Assert.Equal((404, "message.not_found"), ((int)other.StatusCode, (await other.JsonAsync()).Text("code")));
    }

    [Fact]
    public async Task Files_that_come_with_a_message_are_in_its_prompt_and_an_edit_keeps_them()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync();
        var id = conversation.Text("id")!;
        var plain = await user.SayAsync(id, new { content = "read", maxTokens = 1 });
        var with = await user.SayAsync(id, new { content = "read", parentId = (string?)null, maxTokens = 1, attachments = (object[])[new { name = "notes.txt", content = "Once upon a time there was a cat." }] });
        Assert.True(Tokens(with) > Tokens(plain) + 10);

        using var edit = await user.OpenAsync(HttpMethod.Post, $"/api/v1/chat/conversations/{id}/messages/{with[0].Data.Text("userMessageId")}/edit", new { content = "read it", maxTokens = 1 });
        await edit.EventsAsync().ToListAsync(TestContext.Current.CancellationToken);
        var kept = (await user.ConversationAsync(conversation)).GetProperty("messages")[2].GetProperty("attachments")[0];
        Assert.Equal(("notes.txt", "Once upon a time there was a cat."), (kept.Text("name"), kept.Text("content")));

        static int Tokens(IReadOnlyList<ReplyEvent> events) => events[^1].Data.GetProperty("usage").GetProperty("promptTokens").GetInt32();
    }
}

public sealed class RegenerateReplyTests(PlatformFixture platform)
{
    [Fact]
    public async Task Another_reply_stands_beside_the_first_and_is_shown()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync();
        var first = await user.SayAsync(conversation, "Once", 20);

        using var again = await user.OpenAsync(
            HttpMethod.Post, $"/api/v1/chat/conversations/{conversation.Text("id")}/messages/{first.MessageOf()}/regenerate", new { maxTokens = 20, temperature = 1.5, seed = 7 });
        var second = await again.EventsAsync().ToListAsync(TestContext.Current.CancellationToken);

        var shown = (await user.ConversationAsync(conversation)).GetProperty("messages").EnumerateArray().ToList();
        Assert.Equal(second.TextOf(), shown[1].Text("content"));
        Assert.Equal([first.MessageOf(), second.MessageOf()], shown[1].GetProperty("siblings").EnumerateArray().Select(s => s.GetString()));
        var question = await user.PostAsJsonAsync($"/api/v1/chat/conversations/{conversation.Text("id")}/messages/{shown[0].Text("id")}/regenerate", new { });
        Assert.Equal("message.not_reply", (await question.JsonAsync()).Text("code"));
    }
}

public sealed class ContinueReplyTests(PlatformFixture platform)
{
    [Fact]
    public async Task A_reply_that_is_being_written_is_not_continued()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync();
        using var open = await user.OpenAsync(HttpMethod.Post, $"/api/v1/chat/conversations/{conversation.Text("id")}/messages", new { content = "Once", maxTokens = 1500 });
        var events = new List<ReplyEvent>();
        HttpResponseMessage? refused = null;
        await foreach (var e in open.EventsAsync())
        {
            events.Add(e);
            refused ??= await user.PostAsJsonAsync($"/api/v1/chat/conversations/{conversation.Text("id")}/messages/{events.MessageOf()}/continue", new { });
        }

        Assert.Equal("reply.running", (await refused!.JsonAsync()).Text("code"));
        Assert.Equal("done", events[^1].Name);
    }
}

public sealed class ChangeConversationTests(PlatformFixture platform)
{
    [Fact]
    public async Task A_conversation_is_renamed_filed_and_configured_and_what_is_not_named_stays()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync(new { model = PlatformFixture.Model, title = "Old", systemPrompt = "Be brief." });
        var folder = (await (await user.PostAsJsonAsync("/api/v1/chat/folders", new { name = "Work" })).JsonAsync()).Text("id");

        var changed = await PatchAsync(user, conversation, new { title = "New", isPinned = true, folderId = folder, tags = (string[])["Tea", "tea ", "Cake"] });
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        var shown = await user.ConversationAsync(conversation);
        Assert.Equal(("New", "Be brief.", true, folder), (shown.Text("title"), shown.Text("systemPrompt"), shown.GetProperty("isPinned").GetBoolean(), shown.Text("folderId")));
        Assert.Equal(["Tea", "Cake"], shown.GetProperty("tags").EnumerateArray().Select(t => t.GetString()));

        await PatchAsync(user, conversation, new { reset = (string[])["title", "systemPrompt", "folderId"] });
        shown = await user.ConversationAsync(conversation);
        Assert.Equal((null, null, null), (shown.Text("title"), shown.Text("systemPrompt"), shown.Text("folderId")));
        Assert.Equal("param.invalid", (await (await PatchAsync(user, conversation, new { reset = (string[])["model"] })).JsonAsync()).Text("code"));
    }

    [Fact]
    public async Task A_change_by_whoever_has_not_seen_the_last_one_is_refused_but_a_message_does_not_stand_in_its_way()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync(new { model = PlatformFixture.Model, title = "Mine" });
        await user.SayAsync(conversation, "hello", 2);
        Assert.Equal(HttpStatusCode.OK, (await PatchAsync(user, conversation, new { isPinned = true, expectedVersion = 1 })).StatusCode);

        var late = await PatchAsync(user, conversation, new { isArchived = true, expectedVersion = 1 });

        Assert.Equal(HttpStatusCode.Conflict, late.StatusCode);
        var shown = await user.ConversationAsync(conversation);
        Assert.Equal(shown.GetProperty("version").GetInt64(), (await late.JsonAsync()).GetProperty("version").GetInt64());
        Assert.False(shown.GetProperty("isArchived").GetBoolean());
        Assert.Equal(HttpStatusCode.Conflict, (await PatchAsync(user, conversation, new { isArchived = true, expectedVersion = 99 })).StatusCode);
    }

    [Fact]
    public async Task Words_of_titles_tags_prompts_and_messages_lie_nowhere_in_plain()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync(new { model = PlatformFixture.Model, title = "zanzibartitle", systemPrompt = "zanzibarprompt" });
        await PatchAsync(user, conversation, new { tags = (string[])["zanzibartag"] });
        await user.PostAsJsonAsync("/api/v1/chat/folders", new { name = "zanzibarfolder" });
        await user.SayAsync(conversation, "zanzibarmessage", 2);

        Assert.Empty(await platform.TablesWithAsync("zanzibar"));
        Assert.NotEmpty(await platform.TablesWithAsync(conversation.Text("id")!)); // the search would have seen it
    }

    internal static Task<HttpResponseMessage> PatchAsync(HttpClient client, JsonElement conversation, object change) =>
        client.PatchAsJsonAsync($"/api/v1/chat/conversations/{conversation.Text("id")}", change);
}

public sealed class ChooseBranchTests(PlatformFixture platform)
{
    [Fact]
    public async Task A_branch_through_what_is_no_message_of_the_conversation_is_refused()
    {
        using var user = await platform.UserAsync();
        var other = await user.SayAsync(await user.StartAsync(), "hello", 1);
        var conversation = await user.StartAsync();
        var answer = await user.PutAsJsonAsync($"/api/v1/chat/conversations/{conversation.Text("id")}/branch", new { messageId = other.MessageOf() });
        Assert.Equal("message.not_found", (await answer.JsonAsync()).Text("code"));
    }
}

public sealed class ForkConversationTests(PlatformFixture platform)
{
    [Fact]
    public async Task A_fork_has_the_messages_up_to_its_point_and_goes_its_own_way()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync(new { model = PlatformFixture.Model, title = "Roots" });
        var first = await user.SayAsync(conversation, "one", 4);
        await user.SayAsync(conversation, "two", 4);

        var answer = await user.PostAsJsonAsync($"/api/v1/chat/conversations/{conversation.Text("id")}/fork", new { messageId = first.MessageOf() });
        var fork = await answer.JsonAsync();

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Equal("Roots", fork.Text("title"));
        Assert.Equal(["one", first.TextOf()], fork.GetProperty("messages").EnumerateArray().Select(m => m.Text("content")));
        await user.SayAsync(fork, "three", 2);
        Assert.Equal(4, (await user.ConversationAsync(fork)).GetProperty("messages").GetArrayLength());
        Assert.Equal(4, (await user.ConversationAsync(conversation)).GetProperty("messages").GetArrayLength());
    }
}

public sealed class ChangeManyTests(PlatformFixture platform)
{
    [Fact]
    public async Task Many_are_changed_at_once_or_none_where_one_is_not_there()
    {
        using var user = await platform.UserAsync();
        var ids = new[] { await user.StartAsync(), await user.StartAsync() }.Select(c => c.Text("id")!).ToArray();
        var strangers = (await platform.Administrator.StartAsync()).Text("id")!;

        var refused = await user.PostAsJsonAsync("/api/v1/chat/conversations/bulk", new { ids = (string[])[.. ids, strangers], action = "bin" });
        Assert.Equal("conversation.not_found", (await refused.JsonAsync()).Text("code"));
        Assert.Equal(2, await CountAsync(user, ""));
        Assert.Equal(2, (await (await user.PostAsJsonAsync("/api/v1/chat/conversations/bulk", new { ids, action = "archive" })).JsonAsync()).GetProperty("changed").GetInt32());
        Assert.Equal((0, 2), (await CountAsync(user, ""), await CountAsync(user, "?archived=true")));
        await user.PostAsJsonAsync("/api/v1/chat/conversations/bulk", new { ids, action = "bin" });
        Assert.Equal(2, await CountAsync(user, "?bin=true"));
        await user.PostAsJsonAsync("/api/v1/chat/conversations/bulk", new { ids, action = "deleteForever" });
        Assert.Equal(0, await CountAsync(user, "?bin=true"));
    }

    private static async Task<int> CountAsync(HttpClient user, string query) => (await user.GetJsonAsync($"/api/v1/chat/conversations{query}")).GetProperty("items").GetArrayLength();
}

public sealed class SaveFolderTests(PlatformFixture platform)
{
    [Theory]
    [InlineData(" ")]
    [InlineData("nul\0")]
    [InlineData("two\nlines")]
    public async Task A_folder_has_a_name_of_one_line(string name) =>
        Assert.Equal("400 param.invalid", await (await platform.Administrator.PostAsJsonAsync("/api/v1/chat/folders", new { name })).CodeAsync());

    [Fact]
    public async Task Conversations_outlive_their_folder()
    {
        using var user = await platform.UserAsync();
        var folder = (await (await user.PostAsJsonAsync("/api/v1/chat/folders", new { name = "Work" })).JsonAsync()).Text("id");
        var conversation = await user.StartAsync(new { model = PlatformFixture.Model, folderId = folder });
        await user.PatchAsJsonAsync($"/api/v1/chat/folders/{folder}", new { name = "Play" });
        Assert.Equal("Play", (await user.GetJsonAsync("/api/v1/chat/folders")).GetProperty("items")[0].Text("name"));
        Assert.Equal(1, (await user.GetJsonAsync($"/api/v1/chat/conversations?folder={folder}")).GetProperty("items").GetArrayLength());

        Assert.Equal(HttpStatusCode.NoContent, (await user.DeleteAsync($"/api/v1/chat/folders/{folder}")).StatusCode);

        Assert.Null((await user.ConversationAsync(conversation)).Text("folderId"));
        Assert.Equal("folder.not_found", (await (await user.PostAsJsonAsync("/api/v1/chat/conversations", new { model = PlatformFixture.Model, folderId = folder })).JsonAsync()).Text("code"));
    }
}

public sealed class BinConversationTests(PlatformFixture platform)
{
    [Fact]
    public async Task What_is_in_the_bin_is_in_no_list_takes_no_message_and_comes_back_whole()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync();
        var path = $"/api/v1/chat/conversations/{conversation.Text("id")}";
        await user.SayAsync(conversation, "hello", 2);

        Assert.Equal(HttpStatusCode.NoContent, (await user.DeleteAsync(path)).StatusCode);

        Assert.Equal(0, (await user.GetJsonAsync("/api/v1/chat/conversations")).GetProperty("items").GetArrayLength());
        Assert.Equal("conversation.in_bin", (await (await user.PostAsJsonAsync($"{path}/messages", new { content = "x" })).JsonAsync()).Text("code"));
        Assert.Equal(HttpStatusCode.OK, (await user.PostAsync($"{path}/restore", null)).StatusCode);
        Assert.Equal(2, (await user.ConversationAsync(conversation)).GetProperty("messages").GetArrayLength());
    }

    [Fact]
    public async Task What_is_deleted_for_good_leaves_nothing_also_where_a_reply_was_being_written()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync();
        var id = conversation.Text("id")!;
        using var open = await user.OpenAsync(HttpMethod.Post, $"/api/v1/chat/conversations/{id}/messages", new { content = "Once", maxTokens = 1500 });
        var events = new List<ReplyEvent>();
        await foreach (var e in open.EventsAsync())
        {
            events.Add(e);
            if (events.Count == 4)
            {
                Assert.Equal(HttpStatusCode.NoContent, (await user.DeleteAsync($"/api/v1/chat/conversations/{id}?forever=true")).StatusCode);
            }
        }

        Assert.Equal("error", events[^1].Name);
        Assert.Equal(HttpStatusCode.NotFound, (await user.GetAsync($"/api/v1/chat/conversations/{id}")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await user.GetAsync($"/api/v1/chat/conversations/{id}/messages/{events.MessageOf()}/stream")).StatusCode);
        Assert.Equal([], (await platform.TablesWithAsync(id)).Where(t => t.StartsWith("chat.", StringComparison.Ordinal)));
        Assert.Equal([], (await platform.TablesWithAsync(events.MessageOf())).Where(t => t.StartsWith("chat.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Nothing_is_left_of_an_erased_persons_conversations()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync();
        await user.SayAsync(conversation, "hello", 2);
        var me = (await user.GetJsonAsync("/api/v1/auth/me")).Text("id");

        (await platform.Administrator.DeleteAsync($"/api/v1/auth/users/{me}")).EnsureSuccessStatusCode();

        await Eventually.Async(
            async () => (await platform.TablesWithAsync(conversation.Text("id")!)).Count(t => t.StartsWith("chat.", StringComparison.Ordinal)), left => left == 0);
    }
}

public sealed class ListConversationsTests(PlatformFixture platform)
{
    [Fact]
    public async Task Pages_hold_every_conversation_once_pinned_ones_first_whatever_moves_meanwhile()
    {
        using var user = await platform.UserAsync();
        var all = new List<string>();
        for (var i = 0; i < 7; i++)
        {
            all.Add((await user.StartAsync(new { model = PlatformFixture.Model, title = $"t{i}" })).Text("id")!);
        }

        await user.PatchAsJsonAsync($"/api/v1/chat/conversations/{all[2]}", new { isPinned = true, tags = (string[])["Ährenlese"] });
        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await user.GetJsonAsync($"/api/v1/chat/conversations?limit=3{(cursor is null ? "" : $"&cursor={cursor}")}");
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(c => c.Text("id")!));
            cursor = page.Text("nextCursor");
        }
        while (cursor is not null);

        Assert.Equal([all[2], all[6], all[5], all[4], all[3], all[1], all[0]], seen);
        var tagged = await user.GetJsonAsync($"/api/v1/chat/conversations?tag={Uri.EscapeDataString("ÄHRENLESE")}");
        Assert.Equal(all[2], Assert.Single(tagged.GetProperty("items").EnumerateArray()).Text("id"));
        Assert.Equal("Ährenlese", (await user.GetJsonAsync("/api/v1/chat/tags")).GetProperty("items")[0].Text("tag"));
        Assert.Equal(0, (await user.GetJsonAsync("/api/v1/chat/conversations?model=other")).GetProperty("items").GetArrayLength());
        Assert.Equal(0, (await user.GetJsonAsync("/api/v1/chat/conversations?to=2020-01-01T00:00:00Z")).GetProperty("items").GetArrayLength());
    }

    [Theory]
    [InlineData("limit=0", "param.range")]
    [InlineData("limit=-5", "param.range")]
    [InlineData("limit=1000000", "param.range")]
    [InlineData("cursor=abc", "param.cursor")]
    [InlineData("query=a&limit=1000", "param.range")]
    [InlineData("query=a&cursor=abc", "param.cursor")]
    [InlineData("tag=", "param.range")]
    public async Task A_question_that_is_none_is_refused(string query, string code)
    {
        var answer = await platform.Administrator.GetAsync($"/api/v1/chat/conversations?{query}");
        Assert.Equal((HttpStatusCode.BadRequest, code), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }

    [Fact]
    public async Task A_cursor_of_somebody_else_is_refused_and_what_somebody_else_said_is_not_found()
    {
        using var user = await platform.UserAsync();
        using var other = await platform.UserAsync();
        foreach (var client in (HttpClient[])[user, other])
        {
            await client.StartAsync(new { model = PlatformFixture.Model, title = "marmalade" });
            await client.StartAsync(new { model = PlatformFixture.Model, title = "marmalade" });
        }

        var cursor = (await user.GetJsonAsync("/api/v1/chat/conversations?limit=1")).Text("nextCursor");
        Assert.Equal("param.cursor", (await other.GetJsonAsync($"/api/v1/chat/conversations?limit=1&cursor={cursor}")).Text("code"));

        var found = await Eventually.Async(() => user.GetJsonAsync("/api/v1/chat/conversations?query=marmelade"), page => page.GetProperty("items").GetArrayLength() == 2);
        Assert.All(found.GetProperty("items").EnumerateArray(), item => Assert.Equal("marmalade", item.Text("title")));
        var own = (await other.GetJsonAsync("/api/v1/chat/conversations")).GetProperty("items").EnumerateArray().Select(c => c.Text("id"));
        Assert.Empty(found.GetProperty("items").EnumerateArray().Select(c => c.Text("id")).Intersect(own));
        Assert.True(found.GetProperty("lag").GetProperty("events").GetInt64() >= 0);
    }
}

public sealed class GetConversationTests(PlatformFixture platform)
{
    [Fact]
    public async Task The_past_is_shown_as_it_was()
    {
        using var user = await platform.UserAsync();
        var conversation = await user.StartAsync(new { model = PlatformFixture.Model, title = "First" });
        await user.SayAsync(conversation, "one", 3);
        var then = await user.ConversationAsync(conversation, "?branches=all");
        var moment = Uri.EscapeDataString(then.GetProperty("messages")[1].Text("endedAt")!);
        await ChangeConversationTests.PatchAsync(user, conversation, new { title = "Second" });
        await user.SayAsync(conversation, "two", 3);

        Assert.Equal(then.ToString(), (await user.ConversationAsync(conversation, $"?branches=all&asOf={then.GetProperty("version")}")).ToString());
        Assert.Equal(then.ToString(), (await user.ConversationAsync(conversation, $"?branches=all&asOf={moment}")).ToString());
        Assert.Equal(0, (await user.ConversationAsync(conversation, "?asOf=1")).GetProperty("messages").GetArrayLength());
        var history = (await user.ConversationAsync(conversation, "/history?limit=3")).GetProperty("items").EnumerateArray().Select(s => s.Text("kind"));
        Assert.Equal(["conversation_started", "message_added", "reply_started"], history);
    }

    [Theory]
    [InlineData("?asOf=0", "param.range")]
    [InlineData("?asOf=99", "param.range")]
    [InlineData("?asOf=yesterday", "param.range")]
    [InlineData("?asOf=2001-01-01T00:00:00Z", "conversation.not_yet")]
    [InlineData("?branches=some", "param.range")]
    [InlineData("/history?cursor=eHh4", "param.cursor")]
    public async Task A_past_that_never_was_is_refused(string query, string code)
    {
        var conversation = await platform.Administrator.StartAsync();
        Assert.Equal(code, (await platform.Administrator.ConversationAsync(conversation, query)).Text("code"));
    }

    [Fact]
    public async Task Another_persons_conversation_is_answered_like_one_that_does_not_exist()
    {
        using var other = await platform.UserAsync();
        var conversation = await platform.Administrator.StartAsync();
        var (theirs, nobodys) = (await other.GetAsync($"/api/v1/chat/conversations/{conversation.Text("id")}"), await other.GetAsync("/api/v1/chat/conversations/01930000-0000-7000-8000-00000000dead"));
        Assert.Equal(HttpStatusCode.NotFound, theirs.StatusCode);
        Assert.Equal(Cut(await nobodys.Content.ReadAsStringAsync()), Cut(await theirs.Content.ReadAsStringAsync()));

        static string Cut(string body) => body[..body.IndexOf("traceId", StringComparison.Ordinal)];
    }
}
