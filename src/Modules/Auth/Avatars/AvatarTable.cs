using Marten;
using Npgsql;
using Weasel.Core;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace LlmPlatform.Auth.Avatars;

/// <summary>Pictures of people: a plain table, because they are bytes, and because one that is deleted is to be gone.</summary>
internal static class AvatarTable
{
    public static ISchemaObject Describe(string schema)
    {
        var table = new Table(new PostgresqlObjectName(schema, "avatars", SchemaUtils.IdentifierUsage.General));
        table.AddColumn<Guid>("user_id").AsPrimaryKey();
        table.AddColumn("image", "bytea").NotNull();
        return table;
    }

    public static void Store(IDocumentSession session, Guid userId, byte[] image) => session.QueueSqlCommand(
        "insert into auth.avatars (user_id, image) values (?, ?) on conflict (user_id) do update set image = excluded.image", userId, image);

    public static void Delete(IDocumentSession session, Guid userId) => session.QueueSqlCommand("delete from auth.avatars where user_id = ?", userId);

    public static async Task<byte[]?> FindAsync(IQuerySession session, Guid userId, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("select image from auth.avatars where user_id = $1");
        command.Parameters.Add(new NpgsqlParameter { Value = userId });
        await using var row = await session.ExecuteReaderAsync(command, cancellation);
        return await row.ReadAsync(cancellation) ? (byte[])row[0] : null;
    }
}
