using LlmPlatform.Auth.Contracts;
using Marten;

namespace LlmPlatform.Chat.Search;

/// <summary>Writes the tables of the search, as part of a session's unit of work. Everything may be done twice.</summary>
internal static class SearchEntries
{
    // The lock lets nobody delete the conversation before this is committed, so that no entry outlives it; and it hinders nobody who writes to it.
    private const string Write =
        """
        insert into chat.search_entries (message_id, conversation_id, owner_id, model, at, words)
        select ?, c.id, c.owner_id, nullif(?, ''), ?, ? from chat.mt_doc_conversation c where c.id = ? for key share of c
        on conflict (message_id) do update set model = excluded.model, at = excluded.at, words = excluded.words
        """;

    // Only what an entry holds: one whose conversation was deleted meanwhile was not written.
    private const string Learn =
        """
        insert into chat.search_words (owner_id, digest, sealed_word, added_at)
        select ?, word.digest, word.sealed, now() from unnest(?, ?) word(digest, sealed)
        where word.digest in (select unnest(e.words) from chat.search_entries e where e.owner_id = ? and e.message_id = any(?)) order by word.digest
        on conflict do nothing
        """;

    // An advisory lock until the commit. As a statement of its own, so that the next one sees what was committed while this one waited; it inserts
    // nothing, because a unit of work takes no statement that gives rows.
    private const string Lock =
        "insert into chat.search_words (owner_id) select null::uuid where pg_advisory_xact_lock(hashtextextended('search:' || ?::text, 0)) is null";

    // Words that nothing else has go with it: what was deleted is not to be read out of the vocabulary.
    private const string DeleteOne =
        """
        with gone as (delete from chat.search_entries where conversation_id = ? returning owner_id, conversation_id, words)
        delete from chat.search_words w using (select distinct owner_id, conversation_id, unnest(words) as digest from gone) g
        where w.owner_id = g.owner_id and w.digest = g.digest
          and not exists (select from chat.search_entries e where e.owner_id = w.owner_id and e.conversation_id <> g.conversation_id and e.words @> array[w.digest])
        """;

    /// <summary>
    /// Has somebody's vocabulary to itself, from here to the commit: else a word could go with its last entry at the very moment when a new one with
    /// it is written, and be found no more.
    /// </summary>
    public static void Take(IDocumentOperations session, Guid owner) => session.QueueSqlCommand(Lock, owner.ToString("n"));

    /// <summary>What a message, or the title of a conversation, can be found by from now on; nothing for no words.</summary>
    public static void Put(IDocumentOperations session, Guid id, Guid conversation, string? model, DateTimeOffset at, long[] words)
    {
        if (words.Length == 0)
        {
            session.QueueSqlCommand("delete from chat.search_entries where message_id = ?", id);
        }
        else
        {
            session.QueueSqlCommand(Write, id, model ?? "", at.ToUniversalTime(), words, conversation);
        }
    }

    /// <summary>Adds the words of entries that were put before to somebody's vocabulary, those that it has not.</summary>
    public static void Add(IDocumentOperations session, Guid owner, Guid[] entries, long[] digests, string[] sealedWords) =>
        session.QueueSqlCommand(Learn, owner, digests, sealedWords, owner, entries);

    /// <summary>Forgets a conversation that is deleted for good. It deletes the conversation's document, too: in this order no entry can come after.</summary>
    public static void Delete(IDocumentSession session, Guid owner, Guid conversation)
    {
        Take(session, owner);
        session.QueueSqlCommand("delete from chat.mt_doc_conversation where id = ?", conversation);
        session.QueueSqlCommand(DeleteOne, conversation);
    }

    /// <summary>Forgets a person.</summary>
    public static void DeleteOf(IDocumentSession session, Guid owner)
    {
        session.QueueSqlCommand("delete from chat.search_entries where owner_id = ?", owner);
        session.QueueSqlCommand("delete from chat.search_words where owner_id = ?", owner);
    }
}

/// <summary>What is left of an erased person's words are digests under a destroyed key; they say how much somebody wrote and when, so they go, too.</summary>
public static class ForgetWordsHandler
{
    public static void Handle(UserErased e, IDocumentSession session) => SearchEntries.DeleteOf(session, e.UserId);
}
