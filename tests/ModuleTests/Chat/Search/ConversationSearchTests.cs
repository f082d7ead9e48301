using LlmPlatform.Chat.Conversations;
using LlmPlatform.Chat.Search;
using LlmPlatform.ModuleTests.Support;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat.Search;

public sealed class ConversationSearchTests(PlatformFixture platform)
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);

    private readonly Spoken spoken = new(platform.Platform.App.Services);
    private readonly Guid owner = Guid.CreateVersion7();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ConversationSearch Search => platform.Platform.App.Services.GetRequiredService<ConversationSearch>();

    [Fact]
    public async Task What_others_said_is_never_found_even_in_the_same_words()
    {
        var stranger = Guid.CreateVersion7();
        await spoken.SayAsync(stranger, "Zebras", Noon, "a zebra in the garden");
        var mine = await spoken.SayAsync(owner, null, Noon, "my own zebra");
        await spoken.IndexedAsync();

        Assert.Equal([mine.Id], await FoundAsync("zebra"));
        Assert.Empty(await FoundAsync("garden"));
        Assert.Equal(0, await spoken.ScalarAsync<long>(
            "select count(*) from chat.search_entries a join chat.search_entries b on a.words && b.words where a.owner_id = $1 and b.owner_id = $2", owner, stranger));
    }

    [Theory]
    [InlineData("elephants")]
    [InlineData("eleph")] // not yet finished
    [InlineData("elephnats")] // swapped
    [InlineData("elefants africa")] // two letters of a long word
    [InlineData("ELEPHANTS Africa")]
    [InlineData("uberraschung")] // no umlaut on this keyboard
    [InlineData("Überraschung")]
    [InlineData("東京")]
    [InlineData("京都")]
    [InlineData("한국")]
    public async Task A_message_is_found_by_what_somebody_types(string query)
    {
        var (id, _) = await spoken.SayAsync(owner, null, Noon, "Elephants of Africa are an Überraschung 在東京都 and 한국어");
        await spoken.SayAsync(owner, null, Noon, "something else");
        await spoken.IndexedAsync();

        Assert.Equal([id], await FoundAsync(query));
    }

    [Theory]
    [InlineData("cat dog")] // in two messages
    [InlineData("czt")] // too short to be forgiven
    [InlineData("phants")] // no beginning
    [InlineData("京東")]
    [InlineData("***")]
    [InlineData("%_")]
    [InlineData("'")]
    [InlineData("")]
    public async Task What_does_not_match_is_not_found(string query)
    {
        await spoken.SayAsync(owner, null, Noon, "elephants cat 在東京都", "dog");
        await spoken.IndexedAsync();

        Assert.Empty(await FoundAsync(query));
    }

    [Theory]
    [InlineData("a & (")]
    [InlineData("'; drop table chat.search_entries; --")]
    [InlineData("zebra:*|!<->\\")]
    [InlineData("zebra\0")]
    [InlineData("zebra\ud800")]
    [InlineData("{1,2}\"")]
    public async Task What_looks_like_a_statement_is_text(string query)
    {
        await spoken.SayAsync(owner, null, Noon, "a zebra; drop the table of chat search_entries 1 2");
        await spoken.IndexedAsync();

        Assert.Single(await FoundAsync(query));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(101)]
    [InlineData(1_000_000)]
    public async Task A_page_has_a_number_of_items_that_is_one(int limit) =>
        Assert.Equal("param.range", (await Assert.ThrowsAsync<Refusal>(() => FindAsync(Question("zebra") with { Limit = limit }))).Error.Code);

    [Fact]
    public async Task A_question_is_short() =>
        Assert.Equal("param.range", (await Assert.ThrowsAsync<Refusal>(() => FindAsync(Question(new string('a', 10_240))))).Error.Code);

    [Fact]
    public async Task A_cursor_is_of_use_to_nobody_else_and_for_no_other_question()
    {
        var stranger = Guid.CreateVersion7();
        foreach (var person in (Guid[])[owner, owner, owner, stranger, stranger])
        {
            await spoken.SayAsync(person, null, Noon, "zebra");
        }

        await spoken.IndexedAsync();
        var question = Question("zebra") with { Limit = 2 };
        var first = await FindAsync(question);
        Assert.Equal(2, first.Items.Count);
        var second = await FindAsync(question with { Cursor = first.NextCursor });
        Assert.Null(second.NextCursor);
        Assert.Equal(3, first.Items.Concat(second.Items).DistinctBy(item => item.ConversationId).Count());

        SearchQuestion[] others =
        [
            question with { Owner = stranger, Cursor = first.NextCursor }, question with { Text = "zebr", Cursor = first.NextCursor },
            question with { IsArchived = false, Cursor = first.NextCursor }, question with { Cursor = "bm8" }, question with { Cursor = "???" },
            question with { Cursor = platform.Platform.App.Services.GetRequiredService<ListCursors>().Seal("conversations", owner, "1|2|3") },
        ];
        foreach (var other in others)
        {
            Assert.Equal("param.cursor", (await Assert.ThrowsAsync<Refusal>(() => FindAsync(other))).Error.Code);
        }
    }

    [Fact]
    public async Task The_newest_match_comes_first_with_the_words_marked()
    {
        var old = await spoken.SayAsync(owner, "Zebra crossing", Noon, "one zebra", "zebras, all of them", "zebra zebra");
        var young = await spoken.SayAsync(owner, null, Noon.AddHours(1), "a ZEBRA");
        await spoken.IndexedAsync();

        var found = (await FindAsync(Question("zebra"))).Items;
        Assert.Equal([young.Id, old.Id], found.Select(item => item.ConversationId));
        Assert.Equal(3, found[1].Snippets.Count);
        var snippet = Assert.Single(found[0].Snippets);
        Assert.Equal((young.Messages[0], "a ZEBRA", new SnippetMatch(2, 5)), (snippet.MessageId, snippet.Text, Assert.Single(snippet.Matches)));
        Assert.Equal([null], (await FindAsync(Question("crossing"))).Items[0].Snippets.Select(s => s.MessageId));
    }

    [Fact]
    public async Task Filters_leave_out_what_they_say_and_the_bin_is_never_found()
    {
        var folder = Guid.CreateVersion7();
        var filed = await spoken.SayAsync(owner, null, Noon, "zebra");
        var plain = await spoken.SayAsync(owner, null, Noon.AddDays(1), "zebra", "zebra");
        var binned = await spoken.SayAsync(owner, null, Noon, "zebra");
        await spoken.AppendAsync(filed.Id, new ConversationFiled(false, true, folder, ["tag1"], null, Noon));
        await spoken.AppendAsync(plain.Id, new ConversationConfigured("other", null, new ChatSettings(), Noon));
        await spoken.AppendAsync(binned.Id, new ConversationBinned(Noon));
        await spoken.IndexedAsync();

        var question = Question("zebra");
        Assert.Equal([plain.Id, filed.Id], await FoundAsync(question));
        Assert.Equal([filed.Id], await FoundAsync(question with { FolderId = folder }));
        Assert.Equal([filed.Id], await FoundAsync(question with { Tag = "tag1" }));
        Assert.Equal([filed.Id], await FoundAsync(question with { IsArchived = true }));
        Assert.Equal([plain.Id], await FoundAsync(question with { IsArchived = false }));
        Assert.Equal([plain.Id], await FoundAsync(question with { Model = "other" }));
        Assert.Equal([plain.Id, filed.Id], await FoundAsync(question with { Model = "stories" })); // one's reply, the other's own
        Assert.Equal([plain.Id], await FoundAsync(question with { From = Noon.AddHours(1) }));
        Assert.Equal([filed.Id], await FoundAsync(question with { To = Noon.AddHours(1) }));
        Assert.Empty(await FoundAsync(question with { Tag = "tag" }));
        Assert.Equal("param.range", (await Assert.ThrowsAsync<Refusal>(() => FindAsync(question with { Model = "\0" }))).Error.Code);
    }

    [Fact]
    public async Task What_is_said_instead_is_found_and_what_it_replaced_is_not()
    {
        var (id, messages) = await spoken.SayAsync(owner, "Giraffes", Noon, "question", "walrus");
        await spoken.AppendAsync(id, new ReplyContinued(messages[1], "stories", Noon), new ReplyEnded(messages[1], MessageState.Completed, await spoken.BodyAsync(owner, "otter"), "stop", null, null, Noon));
        await spoken.AppendAsync(id, new ConversationRenamed(null, true, Noon));
        await spoken.IndexedAsync();

        Assert.Equal([id], await FoundAsync("otter"));
        Assert.Empty(await FoundAsync("walrus"));
        Assert.Empty(await FoundAsync("giraffes"));
    }

    [Fact]
    public async Task A_conversation_deleted_for_good_leaves_neither_entries_nor_words_that_only_it_had()
    {
        var gone = await spoken.SayAsync(owner, null, Noon, "walrus otter");
        var kept = await spoken.SayAsync(owner, null, Noon, "otter");
        await spoken.IndexedAsync();
        Assert.Equal(2, await WordsAsync());
        await using (var session = spoken.Store.LightweightSession())
        {
            SearchEntries.Delete(session, owner, gone.Id);
            await session.SaveChangesAsync(Cancellation);
        }

        Assert.Equal([kept.Id], await FoundAsync("otter"));
        Assert.Equal(1, await WordsAsync());
        await spoken.AppendAsync(kept.Id, new ConversationRenamed(await spoken.SealOrNullAsync(owner, "walrus"), false, Noon));
        await spoken.IndexedAsync();
        Assert.Equal([kept.Id], await FoundAsync("walr")); // learnt again
    }

    [Fact]
    public async Task A_conversation_deleted_before_it_was_indexed_teaches_no_word()
    {
        await using var session = spoken.Store.LightweightSession();
        Index(session, Guid.CreateVersion7(), await WordAsync("walrus"));
        await session.SaveChangesAsync(Cancellation);
        Assert.Equal(0, await WordsAsync());
    }

    [Fact]
    public async Task A_word_that_one_conversation_loses_while_another_gets_it_is_still_known()
    {
        var word = await WordAsync("walrus");
        var last = (await spoken.SayAsync(owner, null, Noon)).Id;
        for (var round = 0; round < 20; round++)
        {
            var next = (await spoken.SayAsync(owner, null, Noon)).Id;
            await using var leaving = spoken.Store.LightweightSession();
            await using var coming = spoken.Store.LightweightSession();
            SearchEntries.Delete(leaving, owner, last);
            Index(coming, next, word);
            await Task.WhenAll(leaving.SaveChangesAsync(Cancellation), coming.SaveChangesAsync(Cancellation));
            Assert.Equal(1, await WordsAsync());
            last = next;
        }
    }

    [Fact]
    public async Task An_erased_person_has_nothing_in_the_search_and_stops_nobody_else()
    {
        var erased = await spoken.SayAsync(owner, null, Noon, "walrus");
        await spoken.IndexedAsync();
        var body = await spoken.BodyAsync(owner, "otter");
        await using (var session = spoken.Store.LightweightSession())
        {
            SubjectVault.Destroy(session, owner);
            ForgetWordsHandler.Handle(new(owner, Noon), session);
            await session.SaveChangesAsync(Cancellation);
        }

        await Eventually.Async(async () => await spoken.Vault.DigestAsync(owner, Cancellation), digest => digest is null); // keys are remembered for some seconds
        await spoken.AppendAsync(erased.Id, new MessageAdded(Guid.CreateVersion7(), null, MessageRoles.User, body, Noon));
        var other = Guid.CreateVersion7();
        var after = await spoken.SayAsync(other, null, Noon, "walrus");
        await spoken.IndexedAsync();

        Assert.Empty(await FoundAsync("walrus"));
        Assert.Equal([after.Id], await FoundAsync(Question("walrus") with { Owner = other }));
        Assert.Equal(0, await WordsAsync());
        Assert.Equal(0, await spoken.ScalarAsync<long>("select count(*) from chat.search_entries where owner_id = $1", owner));
    }

    [Fact]
    public async Task A_text_that_cannot_be_opened_stops_nobody()
    {
        var (id, _) = await spoken.SayAsync(owner, null, Noon, "walrus");
        await spoken.AppendAsync(id, new MessageAdded(Guid.CreateVersion7(), null, MessageRoles.User, "bm90IHNlYWxlZCBieSBhbnlib2R5IGF0IGFsbCBoZXJl", Noon));
        await spoken.SayAsync(owner, null, Noon, "otter");
        await spoken.IndexedAsync();

        Assert.Single(await FoundAsync("otter"));
    }

    [Fact]
    public async Task No_word_lies_in_a_table_where_anybody_could_read_it()
    {
        const string Canary = "quizzaciously";
        await spoken.SayAsync(owner, $"{Canary} title", Noon, $"the word is {Canary}", Canary);
        await spoken.IndexedAsync();
        Assert.Single(await FoundAsync(Canary));

        string[] forms = [Canary, .. Enumerable.Range(0, 3).Select(i => Convert.ToBase64String([.. new byte[i], .. "quizzaciously"u8])[4..14])];
        foreach (var table in await TablesAsync())
        {
            foreach (var form in forms)
            {
                Assert.Equal(0, await spoken.ScalarAsync<long>($"select count(*) from {table} t where t::text ilike '%' || $1 || '%'", form));
            }
        }
    }

    [Fact]
    public async Task The_search_says_how_far_it_is_behind()
    {
        await spoken.SayAsync(owner, null, Noon, "walrus");
        Assert.InRange((await FindAsync(Question("walrus"))).Lag.Events, 0, 2); // started, and said
        await Eventually.Async(() => FindAsync(Question("walrus")), found => found.Lag.Events == 0 && found.Items.Count == 1);
    }

    [Fact]
    public async Task The_search_does_not_tell_that_others_say_something()
    {
        for (var round = 0; round < 10; round++)
        {
            await spoken.SayAsync(Guid.CreateVersion7(), null, Noon, "walrus");
            Assert.Equal(0, (await FindAsync(Question("walrus"))).Lag.Events);
        }
    }

    [Fact]
    public async Task Matches_are_looked_up_in_an_index()
    {
        await using var connection = await spoken.Database.OpenConnectionAsync(Cancellation);
        await using var off = new NpgsqlCommand("set enable_seqscan = off", connection);
        await off.ExecuteNonQueryAsync(Cancellation);
        await using var explain = new NpgsqlCommand("explain select e.conversation_id from chat.search_entries e where e.words && array[1, 2]::bigint[] and e.words && array[3]::bigint[]", connection);
        await using var row = await explain.ExecuteReaderAsync(Cancellation);
        var plan = "";
        while (await row.ReadAsync(Cancellation))
        {
            plan += row.GetString(0);
        }

        Assert.Contains("search_entries_in_words", plan, StringComparison.Ordinal);
    }

    private async Task<(long Digest, string Sealed)> WordAsync(string word) =>
        ((await spoken.Vault.DigestAsync(owner, Cancellation))!.Of(word), await spoken.Vault.SealAsync(owner, word, Cancellation));

    private void Index(IDocumentSession session, Guid conversation, (long Digest, string Sealed) word)
    {
        var message = Guid.CreateVersion7();
        SearchEntries.Take(session, owner);
        SearchEntries.Put(session, message, conversation, null, Noon, [word.Digest]);
        SearchEntries.Add(session, owner, [message], [word.Digest], [word.Sealed]);
    }

    private SearchQuestion Question(string text) => new() { Owner = owner, Text = text };

    private Task<FoundConversations> FindAsync(SearchQuestion question) => Search.FindAsync(question, Cancellation);

    private Task<Guid[]> FoundAsync(string text) => FoundAsync(Question(text));

    private async Task<Guid[]> FoundAsync(SearchQuestion question) => [.. (await FindAsync(question)).Items.Select(item => item.ConversationId)];

    private Task<long> WordsAsync() => spoken.ScalarAsync<long>("select count(*) from chat.search_words where owner_id = $1", owner);

    private async Task<List<string>> TablesAsync()
    {
        await using var command = spoken.Database.CreateCommand("select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('chat', 'messaging', 'shared')");
        await using var row = await command.ExecuteReaderAsync(Cancellation);
        var tables = new List<string>();
        while (await row.ReadAsync(Cancellation))
        {
            tables.Add(row.GetString(0));
        }

        return tables;
    }
}
