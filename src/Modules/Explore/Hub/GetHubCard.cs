using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Explore.Hub;

/// <summary>What a model's page says.</summary>
/// <param name="Text">Markdown as its author wrote it; whoever shows it must not take HTML in it for HTML.</param>
/// <param name="IsCut">There is more of it on the hub.</param>
/// <param name="Stale">The hub could not be asked again; this is what it said before.</param>
/// <param name="At">When it said so.</param>
public sealed record ModelCard(string Text, bool IsCut, bool Stale, DateTimeOffset At);

public static class GetHubCardEndpoint
{
    [WolverineGet("/api/v1/explore/hub/models/{owner}/{name}/card", OperationId = "getHubCard"), Authorize]
    [EndpointSummary("Ask the hub for the card of a model"), Tags("Explore")]
    [ProducesResponseType(typeof(ProblemDetails), 404, "application/problem+json"), ProducesResponseType(typeof(ProblemDetails), 502, "application/problem+json")]
    [ProducesResponseType(typeof(ProblemDetails), 503, "application/problem+json")]
    public static async Task<ModelCard> GetAsync(string owner, string name, HubCatalogue hub, CancellationToken cancellation)
    {
        try
        {
            var card = await hub.CardAsync(HubCatalogue.Repository(owner, name), cancellation);
            return new ModelCard(card.Value.Text, card.Value.IsCut, card.IsStale, card.At);
        }
        catch (HubException failure)
        {
            throw failure.ToRefusal();
        }
    }
}
