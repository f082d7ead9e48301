using LlmPlatform.Admin.Contracts;
using Marten;
using Wolverine.Attributes;

namespace LlmPlatform.Admin.Audit;

/// <summary>Every act that any module performs becomes a link of the audit chain.</summary>
[StickyHandler(Queue)]
public static class RecordActHandler
{
    public const string Queue = "audit";

    public static Task HandleAsync(ActPerformed act, AuditTrail trail, IDocumentSession session, CancellationToken cancellation) =>
        trail.AppendAsync(session, act, cancellation);
}
