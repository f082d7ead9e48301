using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Explore.Catalogue;

public static class SearchCatalogueEndpoint
{
    private const int LongestQuery = 200;

    [WolverineGet("/api/v1/explore/models", OperationId = "searchCatalogue"), Authorize]
    [EndpointSummary("Find models"), Tags("Explore"), ProducesResponseType<ProblemDetails>(400)]
    public static async Task<Page<CatalogueEntry>> Get(string? query, string? cursor, int? limit, IQuerySession session, CancellationToken cancellation)
    {
        if (query?.Length > LongestQuery)
        {
            throw Refusal.BadParam("query", $"A query has at most {LongestQuery} characters.");
        }

        var size = Page.Limit(limit);
        IQueryable<CatalogueEntry> found = session.Query<CatalogueEntry>();
        if (!string.IsNullOrWhiteSpace(query))
        {
            var text = query.Trim();
            found = found.Where(e => e.Id.Contains(text, StringComparison.OrdinalIgnoreCase) || e.Architecture.Contains(text, StringComparison.OrdinalIgnoreCase));
        }

        if (Page.Key(cursor) is { } after)
        {
            found = found.Where(e => e.Id.CompareTo(after) > 0);
        }

        return Page.Of(await found.OrderBy(e => e.Id).Take(size + 1).ToListAsync(cancellation), size, e => e.Id);
    }
}
