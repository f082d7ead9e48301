using FluentValidation;
using LlmPlatform.Auth.TwoFactor;
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
        SignIn command,
        IDocumentSession session,
        Passwords passwords,
        SecondFactor factor,
        AccessTokens tokens,
        SignInAttempts attempts,
        CallerAddress address,
        MasterKey master,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        var account = master.ClaimId(EmailAddress.Canonical(command.Email) ?? "");
        using var attempt = attempts.Begin(account, address.Network);
        var claim = await session.LoadAsync<EmailClaim>(account, cancellation);
        var user = claim is null ? null : await session.LoadAsync<User>(claim.UserId, cancellation);
        var password = user is null ? null : await session.LoadAsync<Password>(user.Id, cancellation);
        var check = await passwords.CheckAsync(password?.Hash, command.Password, cancellation);
        if (user is not { IsDisabled: false } || !check.Fits)
        {
            attempt.Fail();
            return (Wrong(), [Act.Of(Guid.Empty, "auth.sign_in_failed", user is null ? "user:unknown" : Act.User(user.Id), now)]);
        }

        switch (await factor.CheckAsync(session, user.Id, command.Code, now, cancellation))
        {
            case CodeCheck.Missing:
                return (TypedResults.Problem(Problem.Of(401, "auth.code_required", "The password is right. Send the code of your authenticator app, or a backup code, as 'code'.")), []);

            case CodeCheck.Wrong:
                attempt.Fail();
                return (TypedResults.Problem(Problem.Of(401, "auth.code_wrong", "This code is not right now, or was used.", "code")), [Act.Of(Guid.Empty, "auth.sign_in_failed", Act.User(user.Id), now)]);
        }

        if (check.NewHash is { } hash)
        {
            session.Store(new Password(user.Id, hash, now));
        }

        var sessionId = Guid.CreateVersion7(now);
        var refreshToken = SignInSessions.Open(session, sessionId, user.Id, now);
        var pair = await tokens.PairAsync(user, sessionId, refreshToken, cancellation);
        return (TypedResults.Ok(pair), [Act.Of(user.Id, "auth.signed_in", Act.Session(sessionId), now)]);
    }

    internal static async ValueTask<TokenPair> PairAsync(
        this AccessTokens tokens, User user, Guid sessionId, string refreshToken, CancellationToken cancellation) => new(
        await tokens.IssueAsync(new AccessToken(user.Id, sessionId, user.Role), cancellation),
        refreshToken,
        "Bearer",
        (int)AccessTokens.Lifetime.TotalSeconds);

    // One answer for every reason, so that it tells nobody which addresses are registered.
    private static ProblemHttpResult Wrong() =>
        TypedResults.Problem(Problem.Of(401, "auth.invalid_credentials", "The e-mail address or the password is wrong."));
}
