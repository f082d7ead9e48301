using System.Collections.Concurrent;
using Marten;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace LlmPlatform.Auth.ApiKeys;

/// <summary>
/// Notes when keys were last used. Notes are gathered and written every few seconds in one statement: a row for each request would cost more
/// than the request's authorisation does.
/// </summary>
internal sealed partial class ApiKeyUses(NpgsqlDataSource database, TimeProvider clock, ILogger<ApiKeyUses> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<Guid, DateTimeOffset> noted = new();

    public static Table Table(string schema)
    {
        var table = new Table(new PostgresqlObjectName(schema, "api_key_uses", SchemaUtils.IdentifierUsage.General));
        table.AddColumn<Guid>("key_id").AsPrimaryKey();
        table.AddColumn("used_at", "timestamptz").NotNull();
        return table;
    }

    public void Note(Guid keyId) => noted[keyId] = clock.GetUtcNow();

    public static async Task<IReadOnlyDictionary<Guid, DateTimeOffset>> ReadAsync(IQuerySession session, Guid[] keys, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("select key_id, used_at from auth.api_key_uses where key_id = any($1)");
        command.Parameters.Add(new NpgsqlParameter { Value = keys });
        await using var row = await session.ExecuteReaderAsync(command, cancellation);
        var uses = new Dictionary<Guid, DateTimeOffset>();
        while (await row.ReadAsync(cancellation))
        {
            uses[row.GetGuid(0)] = row.GetFieldValue<DateTimeOffset>(1);
        }

        return uses;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await WriteAsync(stoppingToken);
            }
        }
        finally
        {
            await WriteAsync(CancellationToken.None);
        }
    }

    private async Task WriteAsync(CancellationToken cancellation)
    {
        KeyValuePair<Guid, DateTimeOffset>[] batch = [.. noted];
        if (batch.Length == 0)
        {
            return;
        }

        try
        {
            await using var command = database.CreateCommand(
                """
                insert into auth.api_key_uses as u (key_id, used_at) select * from unnest($1, $2)
                on conflict (key_id) do update set used_at = greatest(u.used_at, excluded.used_at)
                """);
            command.Parameters.AddWithValue(batch.Select(use => use.Key).ToArray());
            command.Parameters.AddWithValue(batch.Select(use => use.Value.UtcDateTime).ToArray());
            await command.ExecuteNonQueryAsync(cancellation);
            foreach (var use in batch)
            {
                noted.TryRemove(use); // a later note of the same key stays
            }
        }
        catch (NpgsqlException e)
        {
            LogLost(logger, e);
        }
    }

    [LoggerMessage(LogLevel.Warning, "It could not be written when API keys were last used; it is tried again")]
    private static partial void LogLost(ILogger logger, Exception exception);
}
