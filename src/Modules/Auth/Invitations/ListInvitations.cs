using LlmPlatform.SharedKernel;
using Marten;
using Marten.Linq.MatchesSql;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Auth.Invitations;

public static class ListInvitationsEndpoint
{
    [WolverineGet("/api/v1/auth/invitations", OperationId = "listInvitations"), Authorize(Policies.Administrator)]
    [EndpointSummary("List the invitations that nobody has accepted yet, oldest first"), Tags("Invitations"), ProducesResponseType<ProblemDetails>(400)]
    public static async Task<Page<InvitationDetails>> Get(
        string? cursor, int? limit, IQuerySession session, SubjectVault vault, CancellationToken cancellation)
    {
        var size = Page.Limit(limit);
        var after = Guid.TryParse(Page.Key(cursor), out var last) ? last : Guid.Empty;
        var found = await session.Query<Invitation>().Where(i => i.MatchesSql("d.id > ?", after)).OrderBy(i => i.Id).Take(size + 1).ToListAsync(cancellation);
        var page = Page.Of(found, size, i => i.Id.ToString());
        var details = new List<InvitationDetails>(page.Items.Count);
        foreach (var invitation in page.Items)
        {
            details.Add(await InvitationDetails.OpenAsync(invitation, vault, cancellation));
        }

        return new Page<InvitationDetails>(details, page.NextCursor);
    }
}
