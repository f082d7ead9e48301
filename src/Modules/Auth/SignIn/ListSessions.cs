using System.Security.Claims;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Wolverine.Http;

namespace LlmPlatform.Auth.SignIn;

/// <summary>A sign-in that still counts.</summary>
/// <param name="Id">The session.</param>
/// <param name="OpenedAt">When somebody signed in; null where that is from before sessions said so.</param>
/// <param name="RefreshedAt">When it last got new tokens, or was last used in a browser.</param>
/// <param name="ExpiresAt">When it ends by itself.</param>
/// <param name="IsBrowser">Whether it is a browser's.</param>
/// <param name="IsCurrent">Whether this very request belongs to it.</param>
public sealed record SessionDetails(Guid Id, DateTimeOffset? OpenedAt, DateTimeOffset? RefreshedAt, DateTimeOffset ExpiresAt, bool IsBrowser, bool IsCurrent);

public static class ListSessionsEndpoint
{
    [WolverineGet("/api/v1/auth/sessions", OperationId = "listSessions"), Authorize]
    [EndpointSummary("List where you are signed in, newest first"), Tags("Sign-in")]
    public static async Task<Page<SessionDetails>> Get(
        IQuerySession session, ClaimsPrincipal principal, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var current = principal.FindFirstValue(CurrentUser.SessionClaim);
        var open = await SignInSessions.ListAsync(session, currentUser.Id, now, cancellation);
        return new Page<SessionDetails>([.. open.Select(s => s with { IsCurrent = s.Id.ToString() == current })], null);
    }
}
