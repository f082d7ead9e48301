using LlmPlatform.Explore.Catalogue;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Explore.Search;

/// <summary>A page of what was found.</summary>
/// <param name="Items">The models.</param>
/// <param name="NextCursor">Opaque; null on the last page.</param>
/// <param name="Facets">Counts over everything that was found.</param>
/// <param name="Hub">Whether the hub has been asked as well.</param>
/// <param name="Stale">The hub could not be asked, and what it said before is shown.</param>
public sealed record ModelSearchPage(IReadOnlyList<ModelSummary> Items, string? NextCursor, ModelFacets Facets, HubState Hub, bool Stale);

public static class SearchModelsEndpoint
{
    [WolverineGet("/api/v1/explore/models", OperationId = "searchModels"), Authorize]
    [EndpointSummary("Find models: those that are installed, a curated list, and the hub"), Tags("Explore")]
    [ProducesResponseType(typeof(ProblemDetails), 400, "application/problem+json")]
    public static async Task<ModelSearchPage> GetAsync(
        [FromQuery] string? query,
        [FromQuery] string? task,
        [FromQuery] string? licence,
        [FromQuery] string? quantisation,
        [FromQuery] long? minBytes,
        [FromQuery] long? maxBytes,
        [FromQuery] bool? fits,
        [FromQuery] bool? installed,
        [FromQuery] ModelSource? source,
        [FromQuery] int? contextTokens,
        [FromQuery] ModelSort? sort,
        [FromQuery] string? cursor,
        [FromQuery] int? limit,
        CurrentUser currentUser,
        CatalogueSearch search,
        IModelCatalog catalog,
        IMemoryFit memory,
        CancellationToken cancellation)
    {
        var question = new ModelQuestion
        {
            Text = new SearchText(query),
            Task = task,
            Licence = licence,
            Quantisation = quantisation,
            MinBytes = minBytes,
            MaxBytes = maxBytes,
            Fits = fits,
            Installed = installed,
            Source = source,
            ContextTokens = contextTokens,
            Sort = sort ?? ModelSort.Relevance,
            Visible = await VisibleModels.ToAsync(currentUser, catalog, cancellation),
            After = SearchCursor.Parse(cursor),
            Limit = Page.Limit(limit),
        }.Checked();
        return await search.FindAsync(question, memory, cancellation);
    }
}
