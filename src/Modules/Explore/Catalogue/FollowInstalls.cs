using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Npgsql;

namespace LlmPlatform.Explore.Catalogue;

/// <summary>Explore keeps its own row of an installed model, told by events: it never looks into another module's tables.</summary>
public static class ModelInstalledHandler
{
    public static async Task Handle(ModelInstalled e, IDocumentSession session, IMemoryFit memory, DateTimeOffset now, CancellationToken cancellation)
    {
        var origin = HubFile.Parse(e.Source);
        await session.LockAsync(ModelStatements.Lock, cancellation);
        var known = origin is null ? null : await KnownAsync(session, origin.Repository, cancellation);
        var row = new ModelRow
        {
            Key = ModelRow.KeyOfInstalled(e.Name),
            Source = ModelSource.Installed,
            Name = e.Name,
            Developer = known?.Developer ?? origin?.Owner,
            Summary = known?.Summary,
            Hub = origin?.Repository,
            Architecture = e.Architecture,
            Parameters = e.Parameters,
            Licence = e.Licence ?? known?.Licence,
            ContextTokens = e.ContextTokens,
            Tasks = e.IsEmbedder ? ["embedding"] : known?.Tasks ?? [],
            Shape = known?.Shape,
            Variants = [new Variant(origin?.Path, e.Quantisation ?? (origin is null ? null : Quantisation.Of(origin.Path)), e.SizeBytes, false, e.Digest.Split(':')[^1], 1)],
            InstalledNames = [e.Name],
            InstallId = e.InstallId,
            InstalledAt = e.At,
            Digest = e.Digest,
            IsDetailed = true,
        };
        string?[] repositories = [await session.RepositoryOfAsync(row.Key, cancellation), row.Hub?.ToLowerInvariant()]; // a name may come back from somewhere else
        session.QueueSqlCommand(ModelStatements.Write, ModelColumns.JsonOf([row], memory, now));
        session.QueueSqlCommand(ModelStatements.Mark, (object)repositories.OfType<string>().Distinct().ToArray());
    }

    // The curated list knows more of a model than its own file tells.
    private static async Task<ModelRow?> KnownAsync(IDocumentSession session, string repository, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"select {ModelReader.Columns} from explore.models m where hub_key = $1 and source <> 'installed' order by source limit 1");
        command.Parameters.AddWithValue(repository.ToLowerInvariant());
        await using var reader = await session.ExecuteReaderAsync(command, cancellation);
        return await reader.ReadAsync(cancellation) ? ModelReader.Read(reader, 0) : null;
    }
}

public static class ModelDeletedHandler
{
    public static async Task Handle(ModelDeleted e, IDocumentSession session, CancellationToken cancellation)
    {
        await session.LockAsync(ModelStatements.Lock, cancellation);
        var key = ModelRow.KeyOfInstalled(e.Name);
        var repository = await session.RepositoryOfAsync(key, cancellation);
        session.QueueSqlCommand(ModelStatements.RememberDeletion, e.Name, e.At);
        session.QueueSqlCommand(ModelStatements.Delete, key, e.At);
        session.QueueSqlCommand(ModelStatements.Mark, (object)(repository is null ? [] : new[] { repository }));
    }
}

internal static class Origins
{
    /// <summary>The repository that a row came from, in lower case; null where there is no such row, or it came from elsewhere.</summary>
    public static async Task<string?> RepositoryOfAsync(this IDocumentSession session, string key, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("select hub_key from explore.models where key = $1 and hub_key is not null");
        command.Parameters.AddWithValue(key);
        await using var reader = await session.ExecuteReaderAsync(command, cancellation);
        return await reader.ReadAsync(cancellation) ? reader.GetString(0) : null;
    }
}
