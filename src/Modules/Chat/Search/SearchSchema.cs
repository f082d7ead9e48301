using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace LlmPlatform.Chat.Search;

/// <summary>
/// The tables of the search. They hold no word that anybody could read: an entry says by digests under its owner's key which words a message has,
/// and the words themselves, which prefixes and typing errors are compared with, are sealed.
/// </summary>
internal static class SearchSchema
{
    public static IEnumerable<Table> Tables(string schema) => [Entries(schema), Words(schema)];

    /// <summary>One row for each message, and one for each title under the id of its conversation.</summary>
    private static Table Entries(string schema)
    {
        var table = new Table(new PostgresqlObjectName(schema, "search_entries", SchemaUtils.IdentifierUsage.General));
        table.AddColumn<Guid>("message_id").AsPrimaryKey();
        table.AddColumn<Guid>("conversation_id").NotNull();
        table.AddColumn<Guid>("owner_id").NotNull();
        table.AddColumn<string>("model");
        table.AddColumn("at", "timestamptz").NotNull();
        table.AddColumn("words", "bigint[]").NotNull();
        table.Indexes.Add(new IndexDefinition("search_entries_in_words") { Columns = ["words"], Method = IndexMethod.gin });
        table.Indexes.Add(new IndexDefinition("search_entries_by_owner") { Columns = ["owner_id"] });
        table.Indexes.Add(new IndexDefinition("search_entries_by_conversation") { Columns = ["conversation_id"] });
        return table;
    }

    /// <summary>The words that somebody's conversations are made of. Who has read them before asks for those that were added since.</summary>
    private static Table Words(string schema)
    {
        var table = new Table(new PostgresqlObjectName(schema, "search_words", SchemaUtils.IdentifierUsage.General));
        table.AddColumn<Guid>("owner_id").AsPrimaryKey();
        table.AddColumn<long>("digest").AsPrimaryKey();
        table.AddColumn<string>("sealed_word").NotNull();
        table.AddColumn("added_at", "timestamptz").NotNull();
        table.Indexes.Add(new IndexDefinition("search_words_by_time") { Columns = ["owner_id", "added_at"] });
        return table;
    }
}
