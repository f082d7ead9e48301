using System.Security.Claims;
using LlmPlatform.Auth.Credentials;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.SignIn;

/// <summary>A session in a browser: it ends after 30 minutes without a request, and at this time in any case.</summary>
public sealed record PageSession(Guid Id, DateTimeOffset ExpiresAt);

public static class SignInToPagesEndpoint
{
    // No antiforgery token: who signs in has none yet. Requests of other sites are refused before this.
    [WolverinePost("/api/v1/auth/session", OperationId = "signInToPages"), AllowAnonymous, RequireAntiforgeryToken(false)]
    [EndpointSummary("Sign in as a browser: the answer sets a cookie"), Tags("Sign-in")]
    [ProducesResponseType<PageSession>(200), ProducesResponseType<ProblemDetails>(401), ProducesResponseType<ProblemDetails>(429)]
    public static async Task<(IResult, OutgoingMessages)> Post(
        SignIn command, IDocumentSession session, PasswordSignIn passwords, ClaimsPrincipal principal, DateTimeOffset now, CancellationToken cancellation)
    {
        var messages = new OutgoingMessages();
        var (user, refusal) = await passwords.CheckAsync(command, session, messages, now, cancellation);
        return (user is not null ? Open(user, session, messages, principal, now) : TypedResults.Problem(refusal!.ToProblem()), messages);
    }

    /// <summary>A new session with a new secret. One that the browser had before ends: its secret may be known to whoever planted it.</summary>
    internal static SignedIn Open(User user, IDocumentSession session, OutgoingMessages messages, ClaimsPrincipal before, DateTimeOffset now)
    {
        if (before.IsByCookie() && Guid.TryParse(before.FindFirstValue(CurrentUser.SessionClaim), out var old))
        {
            SignInSessions.Revoke(session, old, now);
        }

        var id = Guid.CreateVersion7(now);
        var secret = PageSessions.Open(session, id, user.Id, now);
        messages.Add(Act.Of(user.Id, "auth.signed_in", Act.Session(id), now));
        return new SignedIn(new PageSession(id, now + PageSessions.Lifetime), secret);
    }
}

/// <summary>The answer that gives a browser its cookie.</summary>
internal sealed class SignedIn(PageSession session, string secret) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        PageCookie.Set(httpContext, secret);
        return TypedResults.Ok(session).ExecuteAsync(httpContext);
    }
}
