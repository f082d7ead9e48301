using LlmPlatform.Inference.Contracts;
using Marten;

namespace LlmPlatform.Explore.Catalogue;

/// <summary>A model that people can find. Explore keeps its own copy, told by events: it never looks into another module's tables.</summary>
public sealed record CatalogueEntry
{
    /// <summary>The model's name.</summary>
    public required string Id { get; init; }

    /// <summary>The install that this entry tells of; news of an older one, delivered late, change nothing.</summary>
    public required Guid InstallId { get; init; }

    public required string Digest { get; init; }

    public required long SizeBytes { get; init; }

    public required string Architecture { get; init; }

    public required long Parameters { get; init; }

    public required int ContextTokens { get; init; }

    public required DateTimeOffset InstalledAt { get; init; }
}

public static class ModelInstalledHandler
{
    public static async Task Handle(ModelInstalled e, IDocumentSession session, CancellationToken cancellation)
    {
        if (await session.LoadAsync<CatalogueEntry>(e.Name, cancellation) is { } known && known.InstalledAt > e.At)
        {
            return;
        }

        session.Store(new CatalogueEntry
        {
            Id = e.Name,
            InstallId = e.InstallId,
            Digest = e.Digest,
            SizeBytes = e.SizeBytes,
            Architecture = e.Architecture,
            Parameters = e.Parameters,
            ContextTokens = e.ContextTokens,
            InstalledAt = e.At,
        });
    }
}

public static class ModelDeletedHandler
{
    public static async Task Handle(ModelDeleted e, IDocumentSession session, CancellationToken cancellation)
    {
        if (await session.LoadAsync<CatalogueEntry>(e.Name, cancellation) is { } known && known.InstalledAt < e.At)
        {
            session.Delete(known);
        }
    }
}
