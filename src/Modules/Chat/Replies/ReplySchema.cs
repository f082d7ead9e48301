using Marten;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace LlmPlatform.Chat.Replies;

/// <summary>
/// What is known of replies while they are written. Plain tables, because none of it is history: a piece is worth nothing once the whole message is an
/// event, and a sign of life is worth nothing at all.
/// </summary>
internal static class ReplySchema
{
    public static void AddReplies(this StoreOptions options)
    {
        var running = new Table(new PostgresqlObjectName(options.DatabaseSchemaName, "running_replies", SchemaUtils.IdentifierUsage.General));
        running.AddColumn<Guid>("message_id").AsPrimaryKey();
        running.AddColumn<Guid>("conversation_id").NotNull().AddIndex();
        running.AddColumn<Guid>("owner_id").NotNull();
        running.AddColumn<long>("number").NotNull();
        running.AddColumn("alive_until", "timestamptz").NotNull();
        running.AddColumn<bool>("is_stopped").NotNull().DefaultValueByExpression("false");
        options.Storage.ExtendedSchemaObjects.Add(running);

        // A piece stands at the place in its message where it begins, and holds parts of a MessageBody, sealed.
        var pieces = new Table(new PostgresqlObjectName(options.DatabaseSchemaName, "reply_pieces", SchemaUtils.IdentifierUsage.General));
        pieces.AddColumn<Guid>("message_id").AsPrimaryKey();
        pieces.AddColumn<long>("place").AsPrimaryKey();
        pieces.AddColumn("sealed_parts", "text").NotNull();
        options.Storage.ExtendedSchemaObjects.Add(pieces);
    }
}
