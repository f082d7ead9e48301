using System.Globalization;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Admin.Audit;

public static class ListAuditEndpoint
{
    [WolverineGet("/api/v1/admin/audit", OperationId = "listAudit"), Authorize(Permissions.Audit)]
    [EndpointSummary("List the audit trail, newest first"), Tags("Admin")]
    [ProducesResponseType(typeof(ProblemDetails), 400, "application/problem+json")]
    public static async Task<Page<AuditEntry>> GetAsync(
        [FromQuery] string? cursor,
        [FromQuery] string? action,
        [FromQuery] Guid? actor,
        [FromQuery] string? target,
        [FromQuery] int? limit,
        IQuerySession session,
        CancellationToken cancellation)
    {
        var size = Page.Limit(limit);
        var filter = new AuditFilter(Before(cursor), action, actor, target);
        var rows = await AuditTrail.ListAsync(session, filter, size + 1, cancellation);
        return Page.Of(rows, size, entry => entry.Seq.ToString(CultureInfo.InvariantCulture));
    }

    private static long? Before(string? cursor) => Page.Key(cursor) switch
    {
        null => null,
        { } key when long.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var seq) => seq,
        _ => throw Refusal.BadParam("cursor", "'cursor' is not one that this list gave out.", "param.cursor"),
    };
}
