using System.Net.Http.Json;
using System.Text.Json;
using LlmPlatform.SharedKernel;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace LlmPlatform.Conversations;

/// <summary>Many long conversations: one is made by real requests, and the others are copies of its rows.</summary>
internal static class Filling
{
    private const int Vocabulary = 5000;
    private const int WordsOfEach = 12;

    public static string Word(int number) => Spell(Math.Abs(number * 37) % Vocabulary);

    public static string Mistyped(int number) => Word(number) is var word ? $"{word[..2]}{word[3]}{word[2]}{word[4..]}" : "";

    /// <summary>Gives the id of one of them.</summary>
    public static async Task<Guid> FillAsync(IServiceProvider services, HttpClient client, int conversations, int messages)
    {
        await using var connection = await services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync();
        var vault = services.GetRequiredService<SubjectVault>();
        var owner = Guid.Parse((await client.GetFromJsonAsync<JsonElement>("/api/v1/auth/me")).GetProperty("id").GetString()!);
        var made = await (await client.PostAsJsonAsync("/api/v1/chat/conversations", new { model = "clock", title = "The one that the others are copies of" })).Content.ReadFromJsonAsync<JsonElement>();
        var id = made.GetProperty("id").GetString()!;
        _ = await (await client.PostAsJsonAsync($"/api/v1/chat/conversations/{id}/messages", new { content = string.Join(' ', Enumerable.Range(0, 60).Select(Word)), maxTokens = 2 })).Content.ReadAsStringAsync();

        var digest = await vault.DigestAsync(owner, CancellationToken.None) ?? throw new InvalidOperationException("There is no key.");
        var words = Enumerable.Range(0, Vocabulary).Select(Spell).ToArray();
        var sealedWords = new List<string>();
        foreach (var word in words)
        {
            sealedWords.Add(await vault.SealAsync(owner, word, CancellationToken.None));
        }

        await RunAsync("insert into chat.search_words (owner_id, digest, sealed_word, added_at) select $1, w.digest, w.sealed, now() from unnest($2::bigint[], $3::text[]) w (digest, sealed) on conflict do nothing",
            owner, words.Select(digest.Of).ToArray(), sealedWords.ToArray());
        await RunAsync($"create temporary table copies on commit preserve rows as select n, gen_random_uuid() as id from generate_series(1, {conversations - 1}) n");
        await RunAsync(
            """
            insert into chat.mt_doc_conversation (id, data, owner_id, is_pinned, active_at, is_archived, model)
            select copies.id, jsonb_set(jsonb_set(c.data, '{id}', to_jsonb(copies.id)), '{messages}', to_jsonb($2::int)), c.owner_id, false, c.active_at - make_interval(secs => copies.n), false, c.model
            from copies, chat.mt_doc_conversation c where c.id = $1
            """, Guid.Parse(id), messages);
        // Each message answers the one before it, so the branch is as long as the conversation.
        await RunAsync(
            """
            create temporary table said as select copies.id as conversation_id, number, md5(copies.n || '/' || number)::uuid as id,
              case when number > 1 then md5(copies.n || '/' || number - 1)::uuid end as parent_id from copies, generate_series(1, $1) number
            """, messages);
        await RunAsync(
            """
            insert into chat.mt_doc_message (id, data, conversation_id, parent_id)
            select said.id, m.data || jsonb_build_object('id', said.id, 'conversationId', said.conversation_id, 'parentId', said.parent_id, 'number', said.number), said.conversation_id, said.parent_id
            from said, (select data from chat.mt_doc_message where conversation_id = $1 and data ->> 'role' = 'user') m
            """, Guid.Parse(id));
        await RunAsync("update chat.mt_doc_conversation c set data = jsonb_set(c.data, '{activeLeaf}', to_jsonb(s.id)) from said s where s.conversation_id = c.id and s.number = $1", messages);
        // Frequent words are in many messages and rare ones in few.
        await RunAsync(
            """
            insert into chat.search_entries (message_id, conversation_id, owner_id, model, at, words)
            select said.id, said.conversation_id, $1, null, now() - make_interval(secs => said.number), w.words
            from said cross join lateral (
              select array_agg(distinct word) as words from (
                select ($2::bigint[])[1 + floor(cardinality($2::bigint[]) * power(random(), 3))::int] as word from generate_series(1, $3) where said.number > 0) drawn) w
            """, owner, words.Select(digest.Of).ToArray(), WordsOfEach);
        foreach (var table in (string[])["mt_doc_conversation", "mt_doc_message", "search_entries", "search_words"])
        {
            await RunAsync($"vacuum analyze chat.{table}"); // as autovacuum leaves them
        }

        await using var longest = connection.CreateCommand();
        longest.CommandText = "select id from copies limit 1";
        return (Guid)(await longest.ExecuteScalarAsync())!;

        async Task RunAsync(string sql, params object[] values)
        {
            await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
            foreach (var value in values)
            {
                command.Parameters.Add(new NpgsqlParameter { Value = value });
            }

            await command.ExecuteNonQueryAsync();
        }
    }

    private static string Spell(int number) => string.Concat(Enumerable.Range(0, 4).Select(place => (number / (int)Math.Pow(9, place) % 9) switch
    {
        0 => "ba",
        1 => "ke",
        2 => "li",
        3 => "mo",
        4 => "nu",
        5 => "ra",
        6 => "se",
        7 => "ti",
        _ => "vo",
    }));
}
