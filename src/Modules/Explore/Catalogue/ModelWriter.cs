using LlmPlatform.Inference.Contracts;
using Npgsql;

namespace LlmPlatform.Explore.Catalogue;

/// <summary>Writes rows that no event brings: those of the curated list, and what the hub said.</summary>
internal sealed class ModelWriter(NpgsqlDataSource database, IMemoryFit memory, TimeProvider time)
{
    private const string CuratedName = "curated";

    private const string Remember =
        """
        insert into explore.model_lists as l (name, edition) values (?, ?)
        on conflict (name) do update set edition = excluded.edition where l.edition <> excluded.edition
        """;

    // Whatever people look for: the rows that nobody came across for the longest time make room.
    private const int MostHubRows = 100_000;

    /// <summary>Brings the curated rows to an edition of the list; one that is there already changes nothing.</summary>
    /// <returns>Whether anything was written.</returns>
    public async Task<bool> WriteAsync(CuratedList list, CancellationToken cancellation)
    {
        ModelRow[] rows = [.. list.Models.Select(model => model.ToRow())];
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await LockAsync(connection, cancellation);
        if (await RunAsync(connection, Remember, [CuratedName, list.Edition], cancellation) == 0)
        {
            return false;
        }

        await RunAsync(connection, "delete from explore.models where source = 'curated' or (source = 'hub' and hub_key = any(?::text[]))", [RepositoriesOf(rows)], cancellation);
        await WriteAsync(connection, rows, cancellation);
        await transaction.CommitAsync(cancellation);
        return true;
    }

    /// <summary>Writes what the hub said of some models.</summary>
    public async Task WriteAsync(IReadOnlyList<ModelRow> rows, CancellationToken cancellation)
    {
        if (rows.Count == 0)
        {
            return;
        }

        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await LockAsync(connection, cancellation);
        await WriteAsync(connection, rows, cancellation);
        await RunAsync(
            connection,
            $"""
            delete from explore.models where key in (
              select key from explore.models where source = 'hub' order by seen_at desc offset {MostHubRows})
            """,
            [],
            cancellation);
        await transaction.CommitAsync(cancellation);
    }

    private async Task WriteAsync(NpgsqlConnection connection, IReadOnlyList<ModelRow> rows, CancellationToken cancellation)
    {
        var json = ModelColumns.JsonOf(rows, memory, time.GetUtcNow());
        await RunAsync(connection, ModelStatements.Write, [json], cancellation);
        await RunAsync(connection, ModelStatements.Learn, [json], cancellation);
        if (rows.Any(row => row.Source == ModelSource.Hub))
        {
            await RunAsync(connection, ModelStatements.Refresh, [json], cancellation);
        }

        await RunAsync(connection, ModelStatements.Mark, [RepositoriesOf(rows)], cancellation);
    }

    private static string[] RepositoriesOf(IEnumerable<ModelRow> rows) => [.. rows.Select(row => row.Hub?.ToLowerInvariant()).OfType<string>().Distinct()];

    private static Task<int> LockAsync(NpgsqlConnection connection, CancellationToken cancellation) =>
        RunAsync(connection, "select pg_advisory_xact_lock(hashtextextended(?, 0))", [ModelStatements.Lock], cancellation);

    // The statements are shared with Marten's sessions, which number the values themselves.
    private static async Task<int> RunAsync(NpgsqlConnection connection, string statement, object[] values, CancellationToken cancellation)
    {
        var parts = statement.Split('?');
        await using var command = new NpgsqlCommand(parts[0] + string.Concat(parts.Skip(1).Select((part, i) => $"${i + 1}{part}")), connection);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return await command.ExecuteNonQueryAsync(cancellation);
    }
}
