using LlmPlatform.Auth.Links;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.Invitations;

public static class RevokeInvitationEndpoint
{
    [WolverineDelete("/api/v1/auth/invitations/{id}", OperationId = "revokeInvitation"), Authorize(Policies.Administrator)]
    [EndpointSummary("Withdraw an invitation"), Tags("Invitations"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(NoContent, OutgoingMessages)> Delete(
        Guid id, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var invitation = await session.LoadAsync<Invitation>(id, cancellation) ?? throw Refusal.NotFound(Invitation.NotFoundCode, "There is no such invitation, or it was accepted.");
        session.Delete(invitation);
        OneTimeLinks.EndAll(session, id);
        return (TypedResults.NoContent(), [Act.Of(currentUser.Id, "auth.invitation_revoked", Act.Invitation(id), now)]);
    }
}
