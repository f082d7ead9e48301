using FluentValidation;
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

/// <summary>Gets the next pair of tokens. A refresh token works once.</summary>
public sealed record RefreshSignIn(string RefreshToken);

internal sealed class RefreshSignInValidator : AbstractValidator<RefreshSignIn>
{
    public RefreshSignInValidator() => RuleFor(c => c.RefreshToken).NotEmpty().MaximumLength(200);
}

public static class RefreshSignInEndpoint
{
    [WolverinePost("/api/v1/auth/token/refresh", OperationId = "refreshSignIn"), AllowAnonymous]
    [EndpointSummary("Get the next pair of tokens"), Tags("Sign-in"), ProducesResponseType<ProblemDetails>(401)]
    public static async Task<(Results<Ok<TokenPair>, ProblemHttpResult>, OutgoingMessages)> Post(
        RefreshSignIn command, IDocumentSession session, AccessTokens tokens, DateTimeOffset now, CancellationToken cancellation)
    {
        var (rotation, sessionId, userId, successor) = await SignInSessions.RotateAsync(session, command.RefreshToken, now, cancellation);
        switch (rotation)
        {
            case Rotation.Rotated when await session.LoadAsync<User>(userId, cancellation) is { IsDisabled: false } user:
                return (TypedResults.Ok(await tokens.PairAsync(user, sessionId, successor!, cancellation)), []);

            case Rotation.JustUsed:
                return (Refused("refresh.reused", "This refresh token was used a moment ago. Use the pair that came with the answer."), []);

            case Rotation.Reused:
                // Either the thief or the owner is second; nobody can tell, so both have to sign in again.
                SignInSessions.Revoke(session, sessionId, now);
                return (Refused("refresh.reused", "This refresh token was used before. Sign in again."),
                    [Act.Of(userId, "auth.refresh_token_reused", Act.Session(sessionId), now)]);

            default:
                throw new Refusal(new Error(401, "refresh.invalid", "This refresh token is not valid. Sign in again."));
        }
    }

    private static ProblemHttpResult Refused(string code, string message) => TypedResults.Problem(Problem.Of(401, code, message));
}
