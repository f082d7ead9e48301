using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Marten;

namespace LlmPlatform.Explore.Catalogue;

/// <summary>Explore keeps its own row of an installed model, told by events: it never looks into another module's tables.</summary>
public static class ModelInstalledHandler
{
    public static async Task Handle(ModelInstalled e, IDocumentSession session, IMemoryFit memory, DateTimeOffset now, CancellationToken cancellation)
    {
        var origin = HubFile.Parse(e.Source);
        await session.LockAsync(ModelStatements.Lock, cancellation);
        var known = origin is null ? null : await session.ModelOfAsync(origin.Repository, cancellation);
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
        var json = ModelColumns.JsonOf([row], memory, now);
        session.QueueSqlCommand(ModelStatements.Write, json);
        session.QueueSqlCommand(ModelStatements.Learn, json);
        session.QueueSqlCommand(ModelStatements.Mark, (object)repositories.OfType<string>().Distinct().ToArray());
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
