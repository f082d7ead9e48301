using LlmPlatform.Auth.Links;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.Recovery;

/// <summary>A link by which somebody sets another password, shown this once.</summary>
public sealed record ResetLink(string Link, DateTimeOffset ExpiresAt)
{
    internal static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);
}

public static class CreateResetLinkEndpoint
{
    [WolverinePost("/api/v1/auth/users/{id}/password-reset", OperationId = "createResetLink"), Authorize(Policies.Administrator)]
    [EndpointSummary("Make a link by which somebody sets another password"), Tags("Users"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(Created<ResetLink>, OutgoingMessages)> Post(
        Guid id, IDocumentSession session, OneTimeLinks links, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        if (await session.LoadAsync<User>(id, cancellation) is null)
        {
            throw Refusal.NotFound("user.not_found", "There is no such user.");
        }

        var expiresAt = now + ResetLink.Lifetime;
        var link = links.Issue(session, LinkPurpose.PasswordReset, id, expiresAt, now);
        return (TypedResults.Created((string?)null, new ResetLink(link, expiresAt)), [Act.Of(currentUser.Id, "auth.password_reset_link_created", Act.User(id), now)]);
    }
}
