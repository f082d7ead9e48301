using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Chat.Sharing;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat.Sharing;

public sealed partial class ShareConversationTests(PlatformFixture platform) : IAsyncLifetime
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);

    private readonly Spoken spoken = new(platform.Platform.App.Services);
    private HttpClient owner = null!;
    private HttpClient reader = null!;
    private Guid ownerId;
    private Guid readerId;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        (owner, reader) = (await platform.UserAsync(), await platform.UserAsync());
        (ownerId, readerId) = (await IdOfAsync(owner), await IdOfAsync(reader));
    }

    public ValueTask DisposeAsync()
    {
        owner.Dispose();
        reader.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_link_shows_what_was_said_until_then_and_nothing_that_came_later()
    {
        var (id, messages) = await spoken.SayAsync(ownerId, "Zoo", Noon, "a zebra?", "a zebra.");
        var share = await ShareAsync(id, new { kind = "link" });
        Assert.Equal(43, share.Text("token")!.Length);
        await spoken.AppendAsync(
            id,
            new ConversationRenamed(await spoken.SealOrNullAsync(ownerId, "Secret"), false, Noon),
            new MessageAdded(Guid.CreateVersion7(Noon), messages[1], MessageRoles.User, await spoken.BodyAsync(ownerId, "said later"), Noon));

        var shown = await reader.GetJsonAsync($"/api/v1/chat/shared/{share.Text("token")}");
        Assert.Equal("Zoo", shown.Text("title"));
        Assert.StartsWith("Somebody", shown.Text("owner"), StringComparison.Ordinal);
        Assert.Equal(["a zebra?", "a zebra."], shown.GetProperty("messages").EnumerateArray().Select(m => m.Text("content")));
        Assert.Equal(["user", "assistant"], shown.GetProperty("messages").EnumerateArray().Select(m => m.Text("role")));
        Assert.Equal(JsonValueKind.Null, shown.GetProperty("systemPrompt").ValueKind);
    }

    [Fact]
    public async Task Only_what_is_shown_is_shown()
    {
        var id = Guid.CreateVersion7(Noon);
        var leaf = Guid.CreateVersion7(Noon);
        var body = new MessageBody(
            [new MessagePart(PartKind.Reasoning, "thought"), new MessagePart(PartKind.Text, "said"), new MessagePart(PartKind.ToolResult, "told") { CallId = "1" }])
        {
            Attachments = [new Attachment("notes.txt", "file content")],
        };
        await using (var session = spoken.Store.LightweightSession())
        {
            session.Events.StartStream(
                id,
                new ConversationStarted(id, ownerId, "stories", null, await spoken.SealOrNullAsync(ownerId, "Be brief."), new ChatSettings(), Noon),
                new MessageAdded(leaf, null, MessageRoles.User, await spoken.Vault.SealBodyAsync(ownerId, body, Cancellation), Noon),
                new MessageAdded(Guid.CreateVersion7(Noon), null, MessageRoles.User, await spoken.BodyAsync(ownerId, "other branch"), Noon),
                new BranchChosen(leaf, Noon),
                new ReplyStarted(Guid.CreateVersion7(Noon), leaf, "stories", Noon)); // still being written
            await session.SaveChangesAsync(Cancellation);
        }

        var hidden = await reader.GetStringAsync($"/api/v1/chat/shared/{(await ShareAsync(id, new { kind = "link" })).Text("token")}", Cancellation);
        Assert.Contains("notes.txt", hidden, StringComparison.Ordinal);
        Assert.Contains("said", hidden, StringComparison.Ordinal);
        Assert.All((string[])["thought", "told", "file content", "other branch", "Be brief."], secret => Assert.DoesNotContain(secret, hidden, StringComparison.Ordinal));
        var told = await reader.GetJsonAsync($"/api/v1/chat/shared/{(await ShareAsync(id, new { kind = "link", includeSystemPrompt = true })).Text("token")}");
        Assert.Equal("Be brief.", told.Text("systemPrompt"));
        Assert.Equal(1, told.GetProperty("messages").GetArrayLength());
    }

    [Fact]
    public async Task A_share_with_people_is_for_those_it_names_and_their_groups()
    {
        (await platform.Administrator.PutAsJsonAsync("/api/v1/auth/groups/share-readers", new { title = "Readers" })).EnsureSuccessStatusCode();
        var (id, _) = await spoken.SayAsync(ownerId, "Zoo", Noon, "zebra");
        var named = (await ShareAsync(id, new { kind = "people", users = new[] { readerId } })).Text("id")!;
        var grouped = (await ShareAsync(id, new { kind = "people", groups = new[] { "share-readers" }, allow = "copy" })).Text("id")!;
        using var other = await platform.UserAsync();

        Assert.Equal(HttpStatusCode.OK, (await reader.GetAsync($"/api/v1/chat/shared/{named}", Cancellation)).StatusCode);
        Assert.Equal([named], await SharedWithAsync(reader));
        Assert.Empty(await SharedWithAsync(other));
        (await platform.Administrator.PutAsync($"/api/v1/auth/groups/share-readers/members/{await IdOfAsync(other)}", null, Cancellation)).EnsureSuccessStatusCode();
        await Eventually.Async(() => SharedWithAsync(other), ids => ids is [var only] && only == grouped); // groups are remembered for some seconds
        Assert.Equal("Zoo", (await other.GetJsonAsync($"/api/v1/chat/shared/{grouped}")).Text("title"));
        Assert.Equal(await AnswerAsync(other, Guid.CreateVersion7().ToString()), await AnswerAsync(other, named));
    }

    [Fact]
    public async Task What_is_over_or_foreign_or_unknown_is_the_same_to_whoever_asks()
    {
        var (id, _) = await spoken.SayAsync(ownerId, null, Noon, "zebra");
        var link = await ShareAsync(id, new { kind = "link" });
        var named = await ShareAsync(id, new { kind = "people", users = new[] { Guid.CreateVersion7() } });
        var unknown = await AnswerAsync(reader, Guid.CreateVersion7().ToString());
        Assert.StartsWith("404", unknown, StringComparison.Ordinal);

        Assert.Equal(unknown, await AnswerAsync(reader, link.Text("id")!)); // a link is known by its token alone
        Assert.Equal(unknown, await AnswerAsync(reader, named.Text("id")!));
        Assert.Equal(unknown, await AnswerAsync(platform.Administrator, named.Text("id")!));
        Assert.Equal(unknown, await AnswerAsync(reader, new string('x', 43)));
        Assert.Equal(unknown, await AnswerAsync(reader, "%20"));
        Assert.Equal(HttpStatusCode.NotFound, (await reader.DeleteAsync($"/api/v1/chat/shares/{link.Text("id")}", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await owner.GetAsync($"/api/v1/chat/shared/{link.Text("id")}", Cancellation)).StatusCode);
        await spoken.AppendAsync(id, new ConversationBinned(Noon));
        Assert.Equal(unknown, await AnswerAsync(reader, link.Text("token")!));
        await spoken.AppendAsync(id, new ConversationRestored(Noon));
        Assert.Equal(HttpStatusCode.OK, (await reader.GetAsync($"/api/v1/chat/shared/{link.Text("token")}", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await owner.DeleteAsync($"/api/v1/chat/shares/{link.Text("id")}", Cancellation)).StatusCode);
        Assert.Equal(unknown, await AnswerAsync(reader, link.Text("token")!));
        var acts = await platform.Administrator.GetJsonAsync("/api/v1/admin/audit?action=chat.share_ended");
        await Eventually.Async(
            () => platform.Administrator.GetJsonAsync("/api/v1/admin/audit?action=chat.share_ended"), seen => seen.ToString().Contains(link.Text("id")!, StringComparison.Ordinal));
        Assert.DoesNotContain(link.Text("token")!, acts.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Conversations_of_others_are_neither_shared_nor_listed()
    {
        var (id, _) = await spoken.SayAsync(ownerId, null, Noon, "zebra");
        Assert.Equal(HttpStatusCode.NotFound, (await reader.PostAsJsonAsync($"/api/v1/chat/conversations/{id}/shares", new { kind = "link" }, Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await reader.GetAsync($"/api/v1/chat/conversations/{id}/shares", Cancellation)).StatusCode);
    }

    [Fact]
    public async Task Every_view_counts_once_but_those_of_the_owner()
    {
        var (id, _) = await spoken.SayAsync(ownerId, null, Noon, "zebra");
        var token = (await ShareAsync(id, new { kind = "link" })).Text("token");
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => reader.GetAsync($"/api/v1/chat/shared/{token}", Cancellation)));
        await owner.GetAsync($"/api/v1/chat/shared/{token}", Cancellation);

        Assert.Equal(20, (await owner.GetJsonAsync($"/api/v1/chat/conversations/{id}/shares")).GetProperty("items")[0].GetProperty("views").GetInt64());
    }

    [Theory]
    [InlineData("""{"kind":"people"}""", 400, "share.people_invalid")]
    [InlineData("""{"kind":"link","groups":["staff"]}""", 400, "share.people_invalid")]
    [InlineData("""{"kind":"link","expiresAt":"2001-01-01T00:00:00Z"}""", 400, "param.invalid")]
    [InlineData("""{"kind":"everybody"}""", 400, "json.invalid")]
    [InlineData("""{"kind":"link","to":"me"}""", 400, "param.unknown")]
    public async Task A_share_that_makes_no_sense_is_refused(string body, int status, string code)
    {
        var (id, _) = await spoken.SayAsync(ownerId, null, Noon, "zebra");
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        var answer = await owner.PostAsync($"/api/v1/chat/conversations/{id}/shares", content, Cancellation);
        Assert.Equal((status, code), ((int)answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }

    [Fact]
    public async Task An_empty_conversation_has_nothing_to_share()
    {
        var (id, _) = await spoken.SayAsync(ownerId, "Zoo", Noon);
        var answer = await owner.PostAsJsonAsync($"/api/v1/chat/conversations/{id}/shares", new { kind = "link" }, Cancellation);
        Assert.Equal((HttpStatusCode.Conflict, "conversation.empty"), (answer.StatusCode, (await answer.JsonAsync()).Text("code")));
    }

    [Fact]
    public async Task The_token_of_a_link_is_nowhere_in_the_database()
    {
        var (id, _) = await spoken.SayAsync(ownerId, null, Noon, "zebra");
        var token = (await ShareAsync(id, new { kind = "link" })).Text("token")!;
        Assert.Equal(0, await spoken.ScalarAsync<long>("select count(*) from chat.mt_doc_share s where s::text like '%' || $1 || '%'", token));
    }

    [Fact]
    public async Task A_share_ends_with_its_conversation_and_with_its_owner()
    {
        var (id, _) = await spoken.SayAsync(ownerId, null, Noon, "zebra");
        var (second, _) = await spoken.SayAsync(ownerId, null, Noon, "zebra");
        var token = (await ShareAsync(id, new { kind = "link" })).Text("token")!;
        var kept = (await ShareAsync(second, new { kind = "link" })).Text("token")!;
        await using (var session = spoken.Store.LightweightSession())
        {
            Shares.EndAll(session, id);
            await session.SaveChangesAsync(Cancellation);
        }

        Assert.Equal(HttpStatusCode.NotFound, (await reader.GetAsync($"/api/v1/chat/shared/{token}", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await reader.GetAsync($"/api/v1/chat/shared/{kept}", Cancellation)).StatusCode);
        (await platform.Administrator.DeleteAsync($"/api/v1/auth/users/{ownerId}", Cancellation)).EnsureSuccessStatusCode();
        await Eventually.Async(async () => (await reader.GetAsync($"/api/v1/chat/shared/{kept}", Cancellation)).StatusCode, status => status == HttpStatusCode.NotFound);
        await Eventually.Async(() => spoken.ScalarAsync<long>("select count(*) from chat.mt_doc_share where data ->> 'ownerId' = $1", ownerId.ToString()), left => left == 0);
    }

    [Fact]
    public async Task A_share_ends_when_its_time_has_come()
    {
        var clock = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var own = await OwnPlatform.StartAsync(clock);
        var there = new Spoken(own.Services);
        var id = (await own.Administrator.GetJsonAsync("/api/v1/auth/me")).GetProperty("id").GetGuid();
        var (conversation, _) = await there.SayAsync(id, null, clock.GetUtcNow(), "zebra");
        var share = await own.Administrator.PostAsJsonAsync($"/api/v1/chat/conversations/{conversation}/shares", new { kind = "link", expiresAt = clock.GetUtcNow().AddHours(1) }, Cancellation);
        var address = $"/api/v1/chat/shared/{(await share.JsonAsync()).Text("token")}";

        Assert.Equal(HttpStatusCode.OK, (await own.Administrator.GetAsync(address, Cancellation)).StatusCode);
        clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(HttpStatusCode.NotFound, (await own.Administrator.GetAsync(address, Cancellation)).StatusCode);
    }

    [Fact]
    public async Task A_copy_is_ones_own_with_ids_and_a_key_of_ones_own()
    {
        var (id, messages) = await spoken.SayAsync(ownerId, "Zoo", Noon, "a zebra?", "a zebra.");
        var token = (await ShareAsync(id, new { kind = "link", allow = "copy" })).Text("token");
        var answer = await reader.PostAsync($"/api/v1/chat/shared/{token}/copy", null, Cancellation);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        var copy = (await answer.JsonAsync()).GetProperty("id").GetGuid();

        await using var session = spoken.Store.QuerySession();
        var head = (await session.LoadAsync<Conversation>(copy, Cancellation))!;
        Assert.Equal((readerId, 2, "Zoo"), (head.OwnerId, head.Messages, await spoken.Vault.OpenOrNullAsync(readerId, head.SealedTitle, Cancellation)));
        Assert.StartsWith("share:", head.Origin, StringComparison.Ordinal);
        var copied = (await session.Events.FetchStreamAsync(copy, token: Cancellation)).Select(e => e.Data).OfType<MessageAdded>().ToList();
        Assert.Empty(copied.Select(m => m.MessageId).Intersect(messages));
        Assert.Equal("a zebra.", (await spoken.Vault.OpenJsonAsync<MessageBody>(readerId, copied[1].SealedBody, Cancellation))!.Text);
        Assert.Equal((head.ActiveLeaf!.Value, copied[0].MessageId, "stories"), (copied[1].MessageId, copied[1].ParentId!.Value, copied[1].Model!));
    }

    [Fact]
    public async Task A_share_for_reading_is_not_copied_and_a_copy_asked_for_twice_is_one()
    {
        var (id, _) = await spoken.SayAsync(ownerId, "Zoo", Noon, "a zebra?");
        var reading = (await ShareAsync(id, new { kind = "link" })).Text("token");
        var refused = await reader.PostAsync($"/api/v1/chat/shared/{reading}/copy", null, Cancellation);
        Assert.Equal((HttpStatusCode.Forbidden, "share.read_only"), (refused.StatusCode, (await refused.JsonAsync()).Text("code")));

        var copying = (await ShareAsync(id, new { kind = "link", allow = "copy" })).Text("token");
        reader.DefaultRequestHeaders.Add("Idempotency-Key", "copy-once");
        var first = await (await reader.PostAsync($"/api/v1/chat/shared/{copying}/copy", null, Cancellation)).JsonAsync();
        Assert.Equal(first.Text("id"), (await (await reader.PostAsync($"/api/v1/chat/shared/{copying}/copy", null, Cancellation)).JsonAsync()).Text("id"));
        Assert.Equal(1, await spoken.ScalarAsync<long>("select count(*) from chat.mt_doc_conversation where owner_id = $1", readerId));
    }

    [Theory]
    [InlineData("""{"kind":"people","groups":["\u0000"]}""")]
    [InlineData("""{"kind":"people","groups":[null]}""")]
    [InlineData("""{"kind":7}""")]
    [InlineData("""{"kind":"link","allow":7}""")]
    public async Task What_is_no_share_is_refused(string body)
    {
        var (id, _) = await spoken.SayAsync(ownerId, null, Noon, "zebra");
        using var json = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        Assert.Equal("400 param.invalid", await (await owner.PostAsync($"/api/v1/chat/conversations/{id}/shares", json, Cancellation)).CodeAsync());
    }

    [Fact]
    public async Task The_list_shows_the_title_of_then()
    {
        var (id, _) = await spoken.SayAsync(ownerId, "Zoo", Noon, "a zebra?");
        await ShareAsync(id, new { kind = "people", users = new[] { readerId } });
        await spoken.AppendAsync(id, new ConversationRenamed(await spoken.SealOrNullAsync(ownerId, "Secret"), false, Noon));
        Assert.Equal("Zoo", (await reader.GetJsonAsync("/api/v1/chat/shared")).GetProperty("items")[0].Text("title"));
    }

    [Fact]
    public async Task A_cursor_of_the_list_is_of_use_to_nobody_else()
    {
        var (id, _) = await spoken.SayAsync(ownerId, null, Noon, "zebra");
        using var other = await platform.UserAsync();
        var users = new[] { readerId, await IdOfAsync(other) };
        await ShareAsync(id, new { kind = "people", users });
        await ShareAsync(id, new { kind = "people", users });
        var page = await reader.GetJsonAsync("/api/v1/chat/shared?limit=1");
        var cursor = page.Text("nextCursor");

        Assert.Equal(1, (await reader.GetJsonAsync($"/api/v1/chat/shared?limit=1&cursor={cursor}")).GetProperty("items").GetArrayLength());
        Assert.Equal("param.cursor", (await other.GetJsonAsync($"/api/v1/chat/shared?limit=1&cursor={cursor}")).Text("code"));
        Assert.Equal("param.cursor", (await reader.GetJsonAsync($"/api/v1/chat/conversations?cursor={cursor}")).Text("code")); // nor in another list
    }

    private static async Task<Guid> IdOfAsync(HttpClient client) => (await client.GetJsonAsync("/api/v1/auth/me")).GetProperty("id").GetGuid();

    private async Task<JsonElement> ShareAsync(Guid conversation, object body)
    {
        var answer = await owner.PostAsJsonAsync($"/api/v1/chat/conversations/{conversation}/shares", body, Cancellation);
        Assert.True(answer.StatusCode == HttpStatusCode.Created, await answer.Content.ReadAsStringAsync(Cancellation));
        return await answer.JsonAsync();
    }

    private static async Task<IReadOnlyList<string?>> SharedWithAsync(HttpClient client) =>
        [.. (await client.GetJsonAsync("/api/v1/chat/shared")).GetProperty("items").EnumerateArray().Select(item => item.Text("id"))];

    private static async Task<string> AnswerAsync(HttpClient client, string tokenOrId)
    {
        using var answer = await client.GetAsync($"/api/v1/chat/shared/{tokenOrId}", Cancellation);
        return $"{(int)answer.StatusCode} {TraceId().Replace(await answer.Content.ReadAsStringAsync(Cancellation), "")}";
    }

    [GeneratedRegex("\"traceId\":\"[0-9a-f]+\"")]
    private static partial Regex TraceId();
}
