using LlmPlatform.Explore.Fit;
using LlmPlatform.Explore.Search;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Explore.Hub;

/// <summary>What the hub found.</summary>
/// <param name="Items">Models, most downloaded first.</param>
/// <param name="Stale">The hub could not be asked again; this is what it said before.</param>
/// <param name="At">When it said so.</param>
public sealed record HubSearchPage(IReadOnlyList<ModelSummary> Items, bool Stale, DateTimeOffset At);

public static class SearchHubEndpoint
{
    [WolverineGet("/api/v1/explore/hub/models", OperationId = "searchHub"), Authorize]
    [EndpointSummary("Ask the hub for models"), Tags("Explore")]
    [ProducesResponseType(typeof(ProblemDetails), 400, "application/problem+json"), ProducesResponseType(typeof(ProblemDetails), 502, "application/problem+json")]
    [ProducesResponseType(typeof(ProblemDetails), 503, "application/problem+json")]
    public static async Task<HubSearchPage> GetAsync([FromQuery] string? query, [FromQuery] int? contextTokens, HubCatalogue hub, IMemoryFit memory, CancellationToken cancellation)
    {
        var question = new ModelQuestion { Text = new SearchText(query), ContextTokens = contextTokens }.Checked();
        if (question.Text.IsEmpty)
        {
            throw Refusal.BadParam("query", "Say what to look for with 'query'.", "param.required");
        }

        try
        {
            var found = await hub.SearchAsync(question.Text.Normal, cancellation);
            var judge = new FitJudge(memory, memory.Machine());
            return new HubSearchPage([.. found.Value.Select(model => ModelSummary.Of(model.ToRow(), judge, contextTokens))], found.IsStale, found.At);
        }
        catch (HubException failure)
        {
            throw failure.ToRefusal();
        }
    }
}
