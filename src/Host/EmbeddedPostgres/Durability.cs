using Npgsql;

namespace LlmPlatform.Host.EmbeddedPostgres;

/// <summary>A committed transaction survives a power cut only with these settings, so without them the host does not run at all.</summary>
internal static class Durability
{
    private static readonly (string Setting, string Value)[] required =
        [("fsync", "on"), ("full_page_writes", "on"), ("synchronous_commit", "on"), ("data_sync_retry", "off")];

    public static async Task AssertAsync(string connectionString, string data, CancellationToken cancellation)
    {
        // Pooled sessions outlive a restart of the server; this one has to be new.
        await using var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(cancellation);
        await using var command = new NpgsqlCommand(
            "SELECT current_setting(name) FROM unnest($1) WITH ORDINALITY AS wanted(name, place) ORDER BY place", connection);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. required.Select(one => one.Setting)] });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        foreach (var (setting, value) in required)
        {
            await reader.ReadAsync(cancellation);
            if (reader.GetString(0) is var found && found != value)
            {
                throw new PostgresRefusedException(
                    $"PostgreSQL runs with {setting} = {found}, which can lose or damage committed data. " +
                    $"It has to be {value}: look into postgresql.conf and postgresql.auto.conf in {data}.");
            }
        }
    }
}
