using System.Security.Claims;
using LlmPlatform.Auth.Credentials;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.SignIn;

public static class SignOutEndpoint
{
    [WolverinePost("/api/v1/auth/sign-out", OperationId = "signOut"), Authorize]
    [EndpointSummary("End this session"), Tags("Sign-in"), ProducesResponseType(204), ProducesResponseType<ProblemDetails>(400)]
    public static (IResult, OutgoingMessages) Post(IDocumentSession session, ClaimsPrincipal principal, CurrentUser currentUser, DateTimeOffset now)
    {
        if (!Guid.TryParse(principal.FindFirstValue(CurrentUser.SessionClaim), out var sessionId))
        {
            throw new Refusal(new Error(400, "session.none", "An API key has no session to end. Delete the key instead."));
        }

        SignInSessions.Revoke(session, sessionId, now);
        return (new SignedOut(), [Act.Of(currentUser.Id, "auth.signed_out", Act.Session(sessionId), now)]);
    }
}

/// <summary>The answer that takes a browser's cookie away.</summary>
internal sealed class SignedOut : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        if (httpContext.User.IsByCookie())
        {
            PageCookie.Clear(httpContext);
        }

        return TypedResults.NoContent().ExecuteAsync(httpContext);
    }
}
