using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Admin.Usage;

public static class ListUsageEndpoint
{
    [WolverineGet("/api/v1/admin/usage", OperationId = "listUsage"), Authorize(Permissions.Quotas)]
    [EndpointSummary("List what each user used in a month"), Tags("Usage"), ProducesResponseType<ProblemDetails>(400)]
    public static async Task<Page<MonthlyUsage>> Get(string? month, string? cursor, int? limit, IUsageReports reports, DateTimeOffset now, CancellationToken cancellation)
    {
        var wanted = Month.Read(month, now);
        var after = Page.Key(cursor) is not { } key ? (Guid?)null
            : Guid.TryParse(key, out var id) ? id
            : throw Refusal.BadParam("cursor", "'cursor' is not one that this list gave out.", "param.cursor");
        var size = Page.Limit(limit);
        return Page.Of(await reports.ListAsync(wanted, after, size + 1, cancellation), size, usage => usage.UserId.ToString());
    }
}
