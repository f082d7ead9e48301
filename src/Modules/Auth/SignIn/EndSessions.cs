using System.Security.Claims;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.SignIn;

public static class EndSessionEndpoint
{
    [WolverineDelete("/api/v1/auth/sessions/{id}", OperationId = "endSession"), Authorize]
    [EndpointSummary("Sign out somewhere else"), Tags("Sign-in"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(NoContent, OutgoingMessages)> Delete(
        Guid id, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        if (!await SignInSessions.IsOpenAsync(session, id, currentUser.Id, now, cancellation))
        {
            throw Refusal.NotFound("session.not_found", "There is no such session of yours.");
        }

        SignInSessions.Revoke(session, id, now);
        return (TypedResults.NoContent(), [Act.Of(currentUser.Id, "auth.signed_out", Act.Session(id), now)]);
    }
}

public static class EndSessionsEndpoint
{
    [WolverineDelete("/api/v1/auth/sessions", OperationId = "endSessions"), Authorize]
    [EndpointSummary("Sign out everywhere; with exceptCurrent, everywhere else"), Tags("Sign-in")]
    public static (NoContent, OutgoingMessages) Delete(
        bool? exceptCurrent, IDocumentSession session, ClaimsPrincipal principal, CurrentUser currentUser, DateTimeOffset now)
    {
        var kept = exceptCurrent == true && Guid.TryParse(principal.FindFirstValue(CurrentUser.SessionClaim), out var current) ? current : Guid.Empty;
        SignInSessions.RevokeAll(session, currentUser.Id, kept, now);
        return (TypedResults.NoContent(), [Act.Of(currentUser.Id, "auth.signed_out_everywhere", Act.User(currentUser.Id), now)]);
    }
}

public static class EndSessionsOfUserEndpoint
{
    [WolverineDelete("/api/v1/auth/users/{id}/sessions", OperationId = "endSessionsOfUser"), Authorize(Policies.Administrator)]
    [EndpointSummary("Sign somebody out everywhere"), Tags("Users"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(NoContent, OutgoingMessages)> Delete(
        Guid id, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        if (await session.LoadAsync<User>(id, cancellation) is null)
        {
            throw Refusal.NotFound("user.not_found", "There is no such user.");
        }

        SignInSessions.RevokeAll(session, id, Guid.Empty, now);
        return (TypedResults.NoContent(), [Act.Of(currentUser.Id, "auth.signed_out_everywhere", Act.User(id), now)]);
    }
}
