using LlmPlatform.Explore.Catalogue;
using LlmPlatform.Explore.Fit;
using LlmPlatform.Explore.Search;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Explore.Hub;

/// <summary>A model of the hub with all its files.</summary>
/// <param name="Detail">The model.</param>
/// <param name="Stale">The hub could not be asked again; this is what it said before.</param>
/// <param name="At">When it said so.</param>
public sealed record HubModelDetail(ModelDetail Detail, bool Stale, DateTimeOffset At);

public static class GetHubModelEndpoint
{
    [WolverineGet("/api/v1/explore/hub/models/{owner}/{name}", OperationId = "getHubModel"), Authorize]
    [EndpointSummary("Ask the hub for a model and its files"), Tags("Explore")]
    [ProducesResponseType(typeof(ProblemDetails), 404, "application/problem+json"), ProducesResponseType(typeof(ProblemDetails), 502, "application/problem+json")]
    [ProducesResponseType(typeof(ProblemDetails), 503, "application/problem+json")]
    public static async Task<HubModelDetail> GetAsync(
        string owner,
        string name,
        [FromQuery] int? contextTokens,
        CurrentUser currentUser,
        HubCatalogue hub,
        IModelCatalog catalog,
        IQuerySession session,
        IMemoryFit memory,
        CancellationToken cancellation)
    {
        var tokens = ModelQuestion.CheckContext(contextTokens);
        try
        {
            var model = await hub.ModelAsync(HubCatalogue.Repository(owner, name), cancellation);
            var row = model.Value.ToRow();

            // The catalogue knows what the hub does not: what is installed, and the shape of a model that is on the curated list.
            var known = await session.ModelOfAsync(row.Hub!, cancellation);
            var visible = await VisibleModels.ToAsync(currentUser, catalog, cancellation);
            row = row with { Summary = known?.Summary, Shape = known?.Shape, InstalledNames = known?.InstalledNames ?? [] };
            return new HubModelDetail(ModelDetail.Of(visible.Of(row), new FitJudge(memory, memory.Machine()), tokens), model.IsStale, model.At);
        }
        catch (HubException failure)
        {
            throw failure.ToRefusal();
        }
    }
}
