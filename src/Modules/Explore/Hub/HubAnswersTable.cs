using Marten;
using Npgsql;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace LlmPlatform.Explore.Hub;

/// <summary>The table of kept answers. It is bounded in rows and in bytes; those that were asked for longest ago go.</summary>
internal static class HubAnswersTable
{
    private const long MostBytes = 128 << 20;

    private const string Write =
        """
        insert into explore.hub_answers (key, body, bytes, fetched_at, status, code, message, until, asked_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (key) do update set body = excluded.body, bytes = excluded.bytes, fetched_at = excluded.fetched_at, status = excluded.status,
          code = excluded.code, message = excluded.message, until = excluded.until, asked_at = excluded.asked_at
        """;

    private const string Trim =
        """
        delete from explore.hub_answers where key in (
          select key from (
            select key, row_number() over latest as number, sum(bytes) over latest as bytes from explore.hub_answers window latest as (order by asked_at desc, key)) kept
          where kept.number > $1 or kept.bytes > $2)
        """;

    public static void AddHubAnswers(this StoreOptions options)
    {
        var table = new Table(new PostgresqlObjectName(options.DatabaseSchemaName, "hub_answers", SchemaUtils.IdentifierUsage.General));
        table.AddColumn<string>("key").AsPrimaryKey();
        table.AddColumn<string>("body");
        table.AddColumn<long>("bytes").NotNull();
        table.AddColumn("fetched_at", "timestamptz");
        table.AddColumn<int>("status");
        table.AddColumn<string>("code");
        table.AddColumn<string>("message");
        table.AddColumn("until", "timestamptz");
        table.AddColumn("asked_at", "timestamptz").NotNull();
        options.Storage.ExtendedSchemaObjects.Add(table);
    }

    public static async Task<HubCache.Entry?> FindAsync(NpgsqlDataSource database, string key, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("select body, fetched_at, status, code, message, until from explore.hub_answers where key = $1");
        command.Parameters.AddWithValue(key);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        return await row.ReadAsync(cancellation)
            ? new HubCache.Entry(
                row.IsDBNull(0) ? null : row.GetString(0),
                row.IsDBNull(1) ? null : row.GetFieldValue<DateTimeOffset>(1),
                row.IsDBNull(2) ? null : new HubCache.Failure(row.GetInt32(2), row.GetString(3), row.GetString(4), row.GetFieldValue<DateTimeOffset>(5)))
            : null;
    }

    public static async Task WriteAsync(NpgsqlDataSource database, string key, HubCache.Entry entry, int most, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(Command(
            Write, key, entry.Body, (long)(entry.Body?.Length ?? 0), entry.FetchedAt, entry.Failure?.Status, entry.Failure?.Code, entry.Failure?.Message, entry.Failure?.Until, now));
        batch.BatchCommands.Add(Command(Trim, (long)most, MostBytes));
        await batch.ExecuteNonQueryAsync(cancellation);
    }

    private static NpgsqlBatchCommand Command(string text, params object?[] values)
    {
        var command = new NpgsqlBatchCommand(text);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value is DateTimeOffset at ? at.ToUniversalTime() : value ?? DBNull.Value });
        }

        return command;
    }
}
