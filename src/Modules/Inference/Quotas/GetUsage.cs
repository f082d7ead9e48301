using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Inference.Quotas;

/// <summary>What somebody used in a month, by model, key and price. It follows the recorded usage by about a second.</summary>
public sealed record UsageReport(Guid UserId, string Month, IReadOnlyList<BillLine> Lines);

public static class GetUsageEndpoint
{
    [WolverineGet("/api/v1/inference/usage", OperationId = "getUsage"), Authorize]
    [EndpointSummary("Show what you used in a month; administrators name somebody else"), Tags("Usage"), ProducesResponseType<ProblemDetails>(400), ProducesResponseType<ProblemDetails>(403)]
    public static async Task<UsageReport> Get(
        string? month, Guid? userId, IQuerySession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var user = userId ?? currentUser.Id;
        if (user != currentUser.Id && (!currentUser.May(Permissions.Quotas) || currentUser.ApiKeyId is not null))
        {
            throw new Refusal(new Error(403, "auth.forbidden", "Only people who set quotas see what others used, and no key of theirs.", "userId"));
        }

        var wanted = Month.Read(month, now);
        var bill = await session.LoadAsync<Bill>(Bill.IdOf(user, wanted), cancellation);
        return new UsageReport(user, wanted, bill?.Lines ?? []);
    }
}
