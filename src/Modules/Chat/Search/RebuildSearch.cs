using LlmPlatform.Admin.Contracts;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Wolverine;
using Wolverine.Attributes;
using Wolverine.Http;
using Wolverine.Runtime.Agents;

namespace LlmPlatform.Chat.Search;

/// <summary>Makes the search of all conversations again from what was said.</summary>
public sealed record RebuildSearch(Guid By, DateTimeOffset At);

public static class RebuildSearchEndpoint
{
    [WolverinePost("/api/v1/chat/search/rebuild", OperationId = "rebuildSearch"), Authorize(Policies.Administrator)]
    [EndpointSummary("Make the search of conversations again from what was said"), Tags("Conversations")]
    public static (Accepted, OutgoingMessages) Post(CurrentUser currentUser, DateTimeOffset now) =>
        (TypedResults.Accepted((string?)null), [new RebuildSearch(currentUser.Id, now)]);
}

public static class RebuildSearchHandler
{
    private const int OneDay = 24 * 60 * 60;

    [MessageTimeout(OneDay)]
    public static async Task<ActPerformed> Handle(RebuildSearch command, SearchShard search, DateTimeOffset now, CancellationToken cancellation)
    {
        await search.RebuildAsync(cancellation);
        return new ActPerformed(Guid.CreateVersion7(now), command.By, "chat.search_rebuilt", "search", now);
    }
}

/// <summary>The running projection of the search.</summary>
public sealed class SearchShard(IEnumerable<IEventSubscriptionAgentFamily> families)
{
    private const string Identity = $"{SearchProjection.Name}:All";

    public async Task RebuildAsync(CancellationToken cancellation)
    {
        foreach (var family in families)
        {
            if (await family.TryRebuildRegisteredProjectionAsync(Identity, null, cancellation))
            {
                return;
            }
        }

        throw new InvalidOperationException($"Nothing here rebuilds the projection {Identity}.");
    }
}
