using LlmPlatform.Admin.Contracts;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Wolverine;
using Wolverine.Http;
using Wolverine.Runtime.Agents;

namespace LlmPlatform.Inference.Quotas;

/// <summary>Makes all bills again from the recorded usage.</summary>
public sealed record RebuildBills(Guid By, DateTimeOffset At);

public static class RebuildBillsEndpoint
{
    [WolverinePost("/api/v1/inference/usage/rebuild", OperationId = "rebuildBills"), Authorize(Permissions.Quotas)]
    [EndpointSummary("Make all bills again from the recorded usage"), Tags("Usage")]
    public static (Accepted, OutgoingMessages) Post(CurrentUser currentUser, DateTimeOffset now) => (TypedResults.Accepted((string?)null), [new RebuildBills(currentUser.Id, now)]);
}

public static class RebuildBillsHandler
{
    public static async Task<ActPerformed> Handle(RebuildBills command, BillShard bills, DateTimeOffset now, CancellationToken cancellation)
    {
        await bills.RebuildAsync(cancellation);
        return new ActPerformed(Guid.CreateVersion7(now), command.By, "inference.bills_rebuilt", "usage", now);
    }
}

/// <summary>The running projection of bills.</summary>
public sealed class BillShard(IEnumerable<IEventSubscriptionAgentFamily> families)
{
    private const string Identity = "Bill:All";

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
