using FluentValidation;
using LlmPlatform.Auth.Users;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.SignIn;

/// <summary>Signs in with e-mail address and password, and with a code where the person has a second factor.</summary>
public sealed record SignIn(string Email, string Password, string? Code = null);

/// <summary>An access token to call with, and a refresh token that gets the next pair once.</summary>
public sealed record TokenPair(string AccessToken, string RefreshToken, string TokenType, int ExpiresIn);

internal sealed class SignInValidator : AbstractValidator<SignIn>
{
    public SignInValidator()
    {
        RuleFor(c => c.Email).NotEmpty().MaximumLength(254);
        RuleFor(c => c.Password).NotEmpty().MaximumLength(UserRules.LongestPassword);
        RuleFor(c => c.Code).MaximumLength(32);
    }
}

public static class SignInEndpoint
{
    [WolverinePost("/api/v1/auth/token", OperationId = "signIn"), AllowAnonymous]
    [EndpointSummary("Sign in"), Tags("Sign-in"), ProducesResponseType<ProblemDetails>(401), ProducesResponseType<ProblemDetails>(429)]
    public static async Task<(Results<Ok<TokenPair>, ProblemHttpResult>, OutgoingMessages)> Post(
        SignIn command, IDocumentSession session, PasswordSignIn passwords, AccessTokens tokens, DateTimeOffset now, CancellationToken cancellation)
    {
        var messages = new OutgoingMessages();
        var (user, refusal) = await passwords.CheckAsync(command, session, messages, now, cancellation);
        if (user is null)
        {
            return (TypedResults.Problem(refusal!.ToProblem()), messages);
        }

        var sessionId = Guid.CreateVersion7(now);
        var refreshToken = SignInSessions.Open(session, sessionId, user.Id, now);
        messages.Add(Act.Of(user.Id, "auth.signed_in", Act.Session(sessionId), now));
        return (TypedResults.Ok(await tokens.PairAsync(user, sessionId, refreshToken, cancellation)), messages);
    }

    internal static async ValueTask<TokenPair> PairAsync(
        this AccessTokens tokens, User user, Guid sessionId, string refreshToken, CancellationToken cancellation) => new(
        await tokens.IssueAsync(new AccessToken(user.Id, sessionId, user.Role), cancellation),
        refreshToken,
        "Bearer",
        (int)AccessTokens.Lifetime.TotalSeconds);
}
