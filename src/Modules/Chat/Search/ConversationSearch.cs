using LlmPlatform.Chat.Conversations;
using LlmPlatform.SharedKernel;
using Npgsql;

namespace LlmPlatform.Chat.Search;

/// <summary>
/// Finds one's own conversations by words that were said in them. A typed word becomes the words of the vocabulary that it may mean, these become
/// digests, and the database compares digests: it sees neither the question nor the text, and nothing that was typed is part of a statement.
/// </summary>
internal sealed class ConversationSearch(NpgsqlDataSource database, SubjectVault vault, Vocabularies vocabularies, Snippets snippets, ListCursors cursors)
{
    private const int SnippetsOfOne = 3;

    // Two seconds are more than anybody waits; the database is there for the others, too.
    private const string Bound = "set local statement_timeout = 2000";

    // Events are read in their order, so who has read somebody's newest ones has read all of theirs; what others say is none of the asker's business.
    private const string Behind =
        $"""
        select count(*) from (
          select from (select id from chat.mt_doc_conversation where owner_id = $1 order by mt_last_modified desc limit 20) newest
          join chat.mt_events e on e.stream_id = newest.id
          where e.seq_id > coalesce((select last_seq_id from chat.mt_event_progression where name = '{SearchProjection.Name}:All'), 0)
          limit 1000) unread
        """;

    // $1 owner, $2 folder, $3 tag, $4 model, $5 from, $6 to, $7 archived, $8 and $9 the last place, $10 limit, and then one array for each typed word.
    private const string Conversations =
        """
        select e.conversation_id, max(e.at) as newest from chat.search_entries e join chat.mt_doc_conversation c on c.id = e.conversation_id
        where e.owner_id = $1 and c.owner_id = $1 and c.binned_at is null
          and ($2::uuid is null or c.folder_id = $2)
          and ($3::text is null or c.data -> 'tags' @> to_jsonb($3::text))
          and ($4::text is null or coalesce(e.model, c.model) = $4)
          and ($5::timestamptz is null or e.at >= $5) and ($6::timestamptz is null or e.at < $6)
          and ($7::boolean is null or c.is_archived = $7)
        """;

    private const string PageOfThem = "group by e.conversation_id having $8::timestamptz is null or (max(e.at), e.conversation_id) < ($8, $9::uuid) order by newest desc, e.conversation_id desc limit $10";

    public async Task<FoundConversations> FindAsync(SearchQuestion question, CancellationToken cancellation)
    {
        var typed = question.Words();
        if (await vault.DigestAsync(question.Owner, cancellation) is not { } digest)
        {
            return new FoundConversations([], null, new SearchLag(0)); // erased a moment ago
        }

        var after = SearchCursor.Parse(question, cursors);
        var vocabulary = await vocabularies.OfAsync(question.Owner, cancellation);
        string[][] meant = [.. typed.Select(word => vocabulary.Meant(word).ToArray())];
        var digests = meant.Select(words => words.Select(digest.Of).ToArray()).ToArray();
        var (page, hasMore, matches, lag) = await LookUpAsync(question, after, digests, cancellation);
        var cut = await snippets.ReadAsync(question.Owner, matches, meant.SelectMany(words => words).ToHashSet(), cancellation);
        return new FoundConversations(
            [.. page.Select(row => new FoundConversation(row.Conversation, row.At, [.. cut[row.Conversation]]))], hasMore ? page[^1].Write(question, cursors) : null, lag);
    }

    private async Task<(SearchCursor[] Page, bool HasMore, IReadOnlyList<SearchMatch> Matches, SearchLag Lag)> LookUpAsync(
        SearchQuestion question, SearchCursor? after, long[][] digests, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await database.OpenConnectionAsync(cancellation);
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            await using var bound = new NpgsqlCommand(Bound, connection);
            await bound.ExecuteNonQueryAsync(cancellation);
            await using var behind = new NpgsqlCommand(Behind, connection);
            Add(behind, question.Owner);
            var lag = new SearchLag((long)(await behind.ExecuteScalarAsync(cancellation))!);
            var rows = digests.Length == 0 ? [] : await ConversationsAsync(connection, question, after, digests, cancellation);
            SearchCursor[] page = [.. rows.Take(question.Limit)];
            var matches = page.Length == 0 ? [] : await MatchesAsync(connection, question.Owner, page, digests, cancellation);
            await transaction.CommitAsync(cancellation);
            return (page, rows.Count > page.Length, matches, lag);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.QueryCanceled && !cancellation.IsCancellationRequested)
        {
            throw new Refusal(new Error(422, "search.too_broad", "These words stand in too many messages. Add another one, or a filter.", "query"));
        }
    }

    private static async Task<List<SearchCursor>> ConversationsAsync(
        NpgsqlConnection connection, SearchQuestion question, SearchCursor? after, long[][] digests, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"{Conversations} {HasWords(digests, 11)} {PageOfThem}", connection);
        Add(command, question.Owner, question.FolderId, question.Tag, question.Model, question.From?.ToUniversalTime(), question.To?.ToUniversalTime(), question.IsArchived);
        Add(command, after?.At, after?.Conversation, question.Limit + 1);
        Add(command, digests);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var found = new List<SearchCursor>();
        while (await row.ReadAsync(cancellation))
        {
            found.Add(new SearchCursor(row.GetFieldValue<DateTimeOffset>(1), row.GetGuid(0)));
        }

        return found;
    }

    private static async Task<IReadOnlyList<SearchMatch>> MatchesAsync(
        NpgsqlConnection connection, Guid owner, IReadOnlyList<SearchCursor> page, long[][] digests, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            $"""
            select conversation_id, message_id from (
              select e.conversation_id, e.message_id, e.at, row_number() over (partition by e.conversation_id order by e.at desc, e.message_id desc) as number
              from chat.search_entries e where e.owner_id = $1 and e.conversation_id = any($2) {HasWords(digests, 3)}) matches
            where number <= {SnippetsOfOne} order by at desc, message_id desc
            """,
            connection);
        Add(command, owner, page.Select(row => row.Conversation).ToArray());
        Add(command, digests);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var matches = new List<SearchMatch>();
        while (await row.ReadAsync(cancellation))
        {
            matches.Add(new SearchMatch(row.GetGuid(0), row.GetGuid(1)));
        }

        return matches;
    }

    private static string HasWords(long[][] digests, int first) => string.Concat(digests.Select((_, i) => $" and e.words && ${first + i}"));

    private static void Add(NpgsqlCommand command, params object?[] values)
    {
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
        }
    }
}
