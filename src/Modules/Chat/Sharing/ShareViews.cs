using Marten;
using Npgsql;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace LlmPlatform.Chat.Sharing;

/// <summary>How often shares were looked at. They are counted in the database: two who look at once would else be one.</summary>
internal static class ShareViews
{
    public static Table Table(string schema)
    {
        var table = new Table(new PostgresqlObjectName(schema, "share_views", SchemaUtils.IdentifierUsage.General));
        table.AddColumn<Guid>("share_id").AsPrimaryKey();
        table.AddColumn<Guid>("conversation_id").NotNull();
        table.AddColumn<long>("views").NotNull();
        table.Indexes.Add(new IndexDefinition("share_views_by_conversation") { Columns = ["conversation_id"] });
        return table;
    }

    public static void Count(IDocumentSession session, Share share) => session.QueueSqlCommand(
        "insert into chat.share_views as v (share_id, conversation_id, views) values (?, ?, 1) on conflict (share_id) do update set views = v.views + 1", share.Id, share.ConversationId);

    /// <summary>Views of a conversation's shares, by share.</summary>
    public static async Task<IReadOnlyDictionary<Guid, long>> ReadAsync(IQuerySession session, Guid conversation, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("select share_id, views from chat.share_views where conversation_id = $1");
        command.Parameters.AddWithValue(conversation);
        await using var row = await session.ExecuteReaderAsync(command, cancellation);
        var views = new Dictionary<Guid, long>();
        while (await row.ReadAsync(cancellation))
        {
            views[row.GetGuid(0)] = row.GetInt64(1);
        }

        return views;
    }

    public static void Forget(IDocumentSession session, Share share) => session.QueueSqlCommand("delete from chat.share_views where share_id = ?", share.Id);

    public static void Forget(IDocumentSession session, Guid conversation) => session.QueueSqlCommand("delete from chat.share_views where conversation_id = ?", conversation);
}
