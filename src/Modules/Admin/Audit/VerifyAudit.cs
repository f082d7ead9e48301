using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Wolverine.Http;

namespace LlmPlatform.Admin.Audit;

public static class VerifyAuditEndpoint
{
    [WolverineGet("/api/v1/admin/audit/verification", OperationId = "verifyAudit"), Authorize(Permissions.Audit)]
    [EndpointSummary("Verify the audit chain and name the first entry that was tampered with"), Tags("Admin")]
    public static Task<AuditVerification> GetAsync(AuditTrail trail, IQuerySession session, CancellationToken cancellation) =>
        trail.VerifyAsync(session, cancellation);
}
