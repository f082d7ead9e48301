using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace LlmPlatform.ModuleTests.Support;

internal static class PlainText
{
    /// <summary>The tables in which a text stands, in any column of any row, also where JSON or bytes hold it.</summary>
    public static async Task<IReadOnlyList<string>> TablesWithAsync(this PlatformFixture platform, string text)
    {
        var database = platform.Platform.App.Services.GetRequiredService<NpgsqlDataSource>();
        var tables = new List<string>();
        await using (var command = database.CreateCommand("select table_schema || '.' || table_name from information_schema.tables where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')"))
        await using (var row = await command.ExecuteReaderAsync())
        {
            while (await row.ReadAsync())
            {
                tables.Add(row.GetString(0));
            }
        }

        var found = new List<string>();
        foreach (var table in tables)
        {
            await using var command = database.CreateCommand($"select exists (select from {table} t where t::text ilike $1 or encode(convert_to(t::text, 'UTF8'), 'escape') ilike $1 or t::text ilike $2)");
            command.Parameters.AddWithValue($"%{text}%");
            command.Parameters.AddWithValue($"%{Convert.ToHexStringLower(System.Text.Encoding.UTF8.GetBytes(text))}%");
            if ((bool)(await command.ExecuteScalarAsync())!)
            {
                found.Add(table);
            }
        }

        return found;
    }
}
