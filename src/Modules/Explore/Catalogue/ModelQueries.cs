using LlmPlatform.SharedKernel;
using Marten;
using Npgsql;

namespace LlmPlatform.Explore.Catalogue;

/// <summary>Reads single models.</summary>
internal static class ModelQueries
{
    private const int LongestKey = 300;

    public static Refusal NotFound() => Refusal.NotFound("explore.model_not_found", "There is no such model in the catalogue.");

    public static Task<ModelRow?> ModelAsync(this IQuerySession session, string key, CancellationToken cancellation) =>
        key.Length > LongestKey || key.Contains('\0', StringComparison.Ordinal)
            ? throw NotFound()
            : session.FirstAsync("key = $1", key, cancellation);

    /// <summary>What the curated list says of a repository, else what the hub says of it.</summary>
    public static Task<ModelRow?> ModelOfAsync(this IQuerySession session, string repository, CancellationToken cancellation) =>
        session.FirstAsync("hub_key = $1 and source <> 'installed' order by source", repository.ToLowerInvariant(), cancellation);

    /// <summary>The repository that a row came from, in lower case; null where there is no such row, or it came from elsewhere.</summary>
    public static async Task<string?> RepositoryOfAsync(this IQuerySession session, string key, CancellationToken cancellation) =>
        (await session.FirstAsync("key = $1", key, cancellation))?.Hub?.ToLowerInvariant();

    private static async Task<ModelRow?> FirstAsync(this IQuerySession session, string clause, string value, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"select {ModelReader.Columns} from explore.models m where {clause} limit 1");
        command.Parameters.AddWithValue(value);
        await using var reader = await session.ExecuteReaderAsync(command, cancellation);
        return await reader.ReadAsync(cancellation) ? ModelReader.Read(reader) : null;
    }
}
