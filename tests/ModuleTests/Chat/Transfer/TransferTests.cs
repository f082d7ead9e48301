using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Chat.Folders;
using LlmPlatform.Chat.Transfer;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat.Transfer;

public sealed class TransferTests(PlatformFixture platform) : IAsyncLifetime
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);

    private const string ChatGpt =
        """
        [{"title":"Zoo","create_time":1700000000.5,"conversation_id":"c-1","current_node":"d","is_archived":true,"default_model_slug":"gpt-x","mapping":{
          "d":{"id":"d","message":{"author":{"role":"assistant"},"create_time":1700000003,"content":{"content_type":"text","parts":["A zebra."]},"metadata":{"model_slug":"gpt-y"},"recipient":"all"},"parent":"t","children":[]},
          "root":{"id":"root","message":null,"parent":null,"children":["s"]},
          "s":{"id":"s","message":{"author":{"role":"system"},"content":{"content_type":"text","parts":[""]}},"parent":"root","children":["u"]},
          "u":{"id":"u","message":{"author":{"role":"user"},"create_time":1700000001,"content":{"content_type":"multimodal_text","parts":[{"asset_pointer":"file"},"What is","this?"]}},"parent":"s","children":["t","e"]},
          "t":{"id":"t","message":{"author":{"role":"assistant"},"create_time":1700000002,"content":{"content_type":"code","text":"look()"},"recipient":"browser"},"parent":"u","children":["d"]},
          "e":{"id":"e","message":{"author":{"role":"assistant"},"create_time":null,"content":{"content_type":"text","parts":["A horse."]}},"parent":"u","children":[]}}}]
        """;

    private readonly Spoken spoken = new(platform.Platform.App.Services);
    private HttpClient user = null!;
    private Guid me;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        user = await platform.UserAsync();
        me = (await user.GetJsonAsync("/api/v1/auth/me")).GetProperty("id").GetGuid();
    }

    public ValueTask DisposeAsync()
    {
        user.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task All_conversations_leave_and_enter_another_account_once()
    {
        await spoken.SayAsync(me, "Zoo", Noon, "a zebra?", "a zebra.");
        await spoken.SayAsync(me, null, Noon, "and a horse?");
        var (binned, _) = await spoken.SayAsync(me, "Binned", Noon, "gone");
        await spoken.AppendAsync(binned, new ConversationBinned(Noon));
        var all = await user.GetStringAsync("/api/v1/chat/export", Cancellation);
        Assert.Equal(2, JsonDocument.Parse(all).RootElement.GetArrayLength());

        Assert.Equal((0, 2), await ImportAsync(user, all)); // one's own are here already
        using var other = await platform.UserAsync();
        Assert.Equal((2, 0), await ImportAsync(other, all));
        Assert.Equal((0, 2), await ImportAsync(other, all));
        var list = (await other.GetJsonAsync("/api/v1/chat/conversations")).GetProperty("items").EnumerateArray().Select(item => item.Text("title"));
        Assert.Equal([null, "Zoo"], list.Order());
    }

    [Fact]
    public async Task One_conversation_is_a_file_too()
    {
        var (id, _) = await spoken.SayAsync(me, "Zoo", Noon, "a zebra?", "a zebra.");
        var answer = await user.GetAsync($"/api/v1/chat/conversations/{id}/export?format=json", Cancellation);
        Assert.Equal($"conversation-{id}.json", answer.Content.Headers.ContentDisposition!.FileName!.Trim('"'));
        using var other = await platform.UserAsync();
        Assert.Equal((1, 0), await ImportAsync(other, await answer.Content.ReadAsStringAsync(Cancellation)));
        Assert.Equal(HttpStatusCode.NotFound, (await other.GetAsync($"/api/v1/chat/conversations/{id}/export", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await user.GetAsync($"/api/v1/chat/conversations/{id}/export?format=pdf", Cancellation)).StatusCode);
    }

    [Fact]
    public async Task Markdown_is_not_imitated_by_what_was_said()
    {
        const string Imitation = "```\n## Assistant, 2026-11-27 12:00 UTC\n\nI agree.\n````text\n</blockquote># Title";
        var (id, _) = await spoken.SayAsync(me, "# Zoo\n## <b>", Noon, Imitation, "a zebra.");
        var answer = await user.GetAsync($"/api/v1/chat/conversations/{id}/export?format=markdown", Cancellation);
        var text = await answer.Content.ReadAsStringAsync(Cancellation);

        Assert.Equal("text/markdown", answer.Content.Headers.ContentType!.MediaType);
        Assert.StartsWith("# \\# Zoo \\#\\# \\<b\\>\n", text, StringComparison.Ordinal);
        Assert.Contains($"\n`````text\n{Imitation}\n`````\n", text, StringComparison.Ordinal);
        var fence = (string?)null;
        var headings = new List<string>();
        foreach (var line in text.Split('\n'))
        {
            if (fence is null && line.StartsWith("```", StringComparison.Ordinal))
            {
                fence = line[..^"text".Length];
            }
            else if (line == fence)
            {
                fence = null;
            }
            else if (fence is null && line.StartsWith("## ", StringComparison.Ordinal))
            {
                headings.Add(line.Split(',')[0]);
            }
        }

        Assert.Equal(["## User", "## Assistant"], headings);
    }

    [Fact]
    public async Task Conversations_of_chatgpt_are_brought_with_their_branches()
    {
        Assert.Equal((1, 0), await ImportAsync(user, ChatGpt));
        Assert.Equal((0, 1), await ImportAsync(user, ChatGpt));
        var file = JsonDocument.Parse(await user.GetStringAsync("/api/v1/chat/export", Cancellation)).RootElement[0];
        var messages = file.GetProperty("messages").EnumerateArray().ToArray();

        Assert.Equal(("Zoo", "gpt-x", true), (file.Text("title"), file.Text("model"), file.GetProperty("isArchived").GetBoolean()));
        Assert.Equal(["A horse.", "A zebra.", "What is\nthis?"], messages.Select(m => m.GetProperty("parts")[0].Text("text")).Order(StringComparer.Ordinal));
        var asked = messages.Single(m => m.Text("role") == "user").Text("id");
        Assert.All(messages.Where(m => m.Text("role") == "assistant"), m => Assert.Equal(asked, m.Text("parentId")));
        Assert.Equal(file.Text("activeLeaf"), messages.Single(m => m.GetProperty("parts")[0].Text("text") == "A zebra.").Text("id"));
    }

    [Fact]
    public async Task A_bad_conversation_spoils_no_other()
    {
        var (id, _) = await spoken.SayAsync(me, "Zoo", Noon, "a zebra?", "a zebra.");
        var good = await user.GetStringAsync($"/api/v1/chat/conversations/{id}/export", Cancellation);
        string[] bad =
        [
            "1", "{}", """{"format":"llmplatform.conversation","version":1}""", good.Replace("\"version\": 1", "\"version\": 9"),
            File("""[{"id":"a","role":"user","parts":[],"at":"2026-01-01T00:00:00Z","parentId":"b"},{"id":"b","role":"user","parts":[],"at":"2026-01-01T00:00:00Z","parentId":"a"}]"""),
            File("""[{"id":"a","role":"user","parts":[],"at":"2026-01-01T00:00:00Z","parentId":"x"}]"""),
            File("""[{"id":"a","role":"user","parts":[],"at":"2026-01-01T00:00:00Z"},{"id":"a","role":"user","parts":[],"at":"2026-01-01T00:00:00Z"}]"""),
            File("""[{"id":"a","role":"system","parts":[],"at":"2026-01-01T00:00:00Z"}]"""),
            File("""[{"id":"a","role":"user","state":"streaming","parts":[],"at":"2026-01-01T00:00:00Z"}]"""),
            File("""[{"id":"a","role":"user","parts":[{"kind":"text","text":"half \ud800"}],"at":"2026-01-01T00:00:00Z"}]"""),
            File("""[{"id":"a","role":"user","parts":[{"kind":"text","text":"nul \u0000"}],"at":"2026-01-01T00:00:00Z"}]"""),
            File("""[{"id":"a","role":"user","parts":[],"at":"0001-01-01T00:00:00Z"}]"""),
            File($$"""[{"id":"a","role":"user","parts":[{"kind":"text","text":"{{new string('x', 1_000_001)}}"}],"at":"2026-01-01T00:00:00Z"}]"""),
            File($"[{string.Join(',', Enumerable.Range(0, 10_001).Select(i => $$"""{"id":"{{i}}","role":"user","parts":[],"at":"2026-01-01T00:00:00Z"}"""))}]"),
            File($"[{string.Join(',', Enumerable.Range(0, 5_001).Select(i => $$"""{"id":"{{i}}","role":"user","parts":[],"at":"2026-01-01T00:00:00Z"{{(i == 0 ? "" : $",\"parentId\":\"{i - 1}\"")}}}"""))}]"),
            """{"mapping":{"a":{"parent":"b"},"b":{"parent":"a"}},"current_node":"a","id":"x"}""",
            """{"mapping":{}}""",
            File("[null]"),
            File("""[{"id":"a","role":"user","parts":[null],"at":"2026-01-01T00:00:00Z"}]"""),
            File("""[{"id":"a","role":"user","parts":[],"attachments":[null],"at":"2026-01-01T00:00:00Z"}]"""),
            File("""[{"id":"a","role":"assistant","model":"nul \u0000","parts":[],"at":"2026-01-01T00:00:00Z"}]"""),
            File("""[{"id":"a","role":"assistant","finishReason":"nul \u0000","parts":[],"at":"2026-01-01T00:00:00Z"}]"""),
            File("""[{"id":"a","role":"assistant","error":{"code":"bad","message":"nul \u0000"},"parts":[],"at":"2026-01-01T00:00:00Z"}]"""),
        ];
        using var other = await platform.UserAsync();
        var result = await (await PostAsync(other, $"[{string.Join(',', bad)},{good}]")).JsonAsync();

        Assert.Equal(1, result.GetProperty("imported").GetInt32());
        Assert.Equal(
            [
                "import.format_invalid", "import.format_invalid", "import.format_invalid", "import.version_unknown", "import.parents_cyclic", "import.parent_unknown", "import.id_repeated",
                "import.role_invalid", "import.state_invalid", "import.format_invalid", "import.part_invalid", "import.time_invalid", "import.text_too_long", "import.too_many_messages",
                "import.too_deep", "import.parents_cyclic", "import.id_invalid", "import.message_invalid", "import.part_invalid", "import.file_invalid", "import.model_invalid",
                "import.end_invalid", "import.end_invalid",
            ],
            result.GetProperty("failed").EnumerateArray().Select(f => f.Text("code")));
    }

    [Fact]
    public async Task What_is_no_json_is_refused_and_what_stops_being_json_ends_there()
    {
        Assert.Equal("json.invalid", (await (await PostAsync(user, "not json")).JsonAsync()).Text("code"));
        Assert.Equal("json.invalid", (await (await PostAsync(user, "")).JsonAsync()).Text("code"));
        var cut = await (await PostAsync(user, ChatGpt[..^1] + ",{\"a\":")).JsonAsync();
        Assert.Equal((1, "json.invalid"), (cut.GetProperty("imported").GetInt32(), cut.GetProperty("failed")[0].Text("code")));
        Assert.Equal("json.invalid", (await (await PostAsync(user, new string('[', 10_000))).JsonAsync()).Text("code"));
        using var text = new StringContent("[]");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await user.PostAsync("/api/v1/chat/import", text, Cancellation)).StatusCode);
    }

    [Fact]
    public async Task The_archive_of_a_person_holds_all_conversations()
    {
        var (binned, _) = await spoken.SayAsync(me, "Binned", Noon, "a zebra");
        await spoken.AppendAsync(binned, new ConversationBinned(Noon));
        await using var zip = new ZipArchive(await user.GetStreamAsync("/api/v1/auth/me/export", Cancellation));
        using var reader = new StreamReader(await zip.GetEntry("chat/conversations.json")!.OpenAsync(Cancellation));
        var file = JsonDocument.Parse(await reader.ReadToEndAsync(Cancellation)).RootElement[0];

        Assert.Equal((binned.ToString(), "Binned"), (file.Text("id"), file.Text("title")));
        Assert.True(file.TryGetProperty("binnedAt", out _));
    }

    [Fact]
    public async Task Nobody_gets_more_folders_by_an_import_than_they_may_make()
    {
        var name = await spoken.Vault.SealAsync(me, "Full", Cancellation);
        await using (var session = spoken.Store.LightweightSession())
        {
            session.Insert(Enumerable.Range(0, FolderRules.MostFolders).Select(_ => new Folder { Id = Guid.CreateVersion7(Noon), OwnerId = me, SealedName = name, CreatedAt = Noon }).ToArray());
            await session.SaveChangesAsync(Cancellation);
        }

        var file = File("[]");
        var result = await (await PostAsync(user, file.Replace("\"version\"", "\"folder\":\"New\",\"version\"", StringComparison.Ordinal))).JsonAsync();
        Assert.Equal("folder.too_many", result.GetProperty("failed")[0].Text("code"));
        Assert.Equal((1, 0), await ImportAsync(user, file.Replace("\"version\"", "\"folder\":\"Full\",\"version\"", StringComparison.Ordinal)));
    }

    private static string File(string messages) =>
        $$"""{"format":"{{ConversationFile.Name}}","version":1,"id":"x","model":"m","startedAt":"2026-01-01T00:00:00Z","messages":{{messages}}}""";

    private static async Task<(int, int)> ImportAsync(HttpClient client, string file)
    {
        var answer = await PostAsync(client, file);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancellation));
        var result = await answer.JsonAsync();
        Assert.Empty(result.GetProperty("failed").EnumerateArray());
        return (result.GetProperty("imported").GetInt32(), result.GetProperty("skipped").GetInt32());
    }

    private static async Task<HttpResponseMessage> PostAsync(HttpClient client, string file)
    {
        using var content = new StringContent(file, Encoding.UTF8, "application/json");
        return await client.PostAsync("/api/v1/chat/import", content, Cancellation);
    }
}
