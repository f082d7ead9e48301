using FluentValidation;
using LlmPlatform.Auth.SignIn;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.TwoFactor;

/// <summary>Turns the second factor on, by a code that shows that the app has the secret.</summary>
public sealed record ConfirmTwoFactor(string Code);

/// <summary>Codes that work once each when the app is lost, shown this once.</summary>
public sealed record BackupCodes(IReadOnlyList<string> Codes);

internal sealed class ConfirmTwoFactorValidator : AbstractValidator<ConfirmTwoFactor>
{
    public ConfirmTwoFactorValidator() => RuleFor(c => c.Code).NotEmpty().MaximumLength(32);
}

public static class ConfirmTwoFactorEndpoint
{
    [WolverinePost("/api/v1/auth/me/two-factor/confirm", OperationId = "confirmTwoFactor"), Authorize]
    [EndpointSummary("Turn the second factor on"), Tags("Two-factor"), ProducesResponseType<ProblemDetails>(403)]
    public static async Task<(BackupCodes, OutgoingMessages)> Post(
        ConfirmTwoFactor command,
        IDocumentSession session,
        SecondFactor factor,
        SignInAttempts attempts,
        CallerAddress address,
        CurrentUser currentUser,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        using var attempt = attempts.Begin(currentUser.Id.ToString(), address.Network);
        if (await factor.ConfirmAsync(session, currentUser.Id, command.Code, now, cancellation) is not { } codes)
        {
            attempt.Fail();
            throw new Refusal(new Error(403, "two_factor.code_wrong", "This code is not right now, or nothing waits for one.", "code"));
        }

        return (new BackupCodes(codes), [Act.Of(currentUser.Id, "auth.two_factor_enabled", Act.User(currentUser.Id), now)]);
    }
}
