using FluentValidation;
using LlmPlatform.Auth.SignIn;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.PersonalData;

/// <summary>Erases whoever asks, for ever. The password shows that it is not somebody who found the browser open.</summary>
public sealed record EraseMe(string Password);

internal sealed class EraseMeValidator : AbstractValidator<EraseMe>
{
    public EraseMeValidator() => RuleFor(c => c.Password).NotEmpty().MaximumLength(UserRules.LongestPassword);
}

public static class EraseMeEndpoint
{
    [WolverineDelete("/api/v1/auth/me", OperationId = "eraseMe"), Authorize]
    [EndpointSummary("Erase yourself for ever"), Tags("Users"), ProducesResponseType(204)]
    [ProducesResponseType<ProblemDetails>(403), ProducesResponseType<ProblemDetails>(409), ProducesResponseType<ProblemDetails>(429)]
    public static async Task<(IResult, OutgoingMessages)> Delete(
        EraseMe command,
        IDocumentSession session,
        Passwords passwords,
        SignInAttempts attempts,
        CallerAddress address,
        CurrentUser currentUser,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        using var attempt = attempts.Begin(currentUser.Id.ToString(), address.Network);
        var password = await session.LoadAsync<Password>(currentUser.Id, cancellation)
            ?? throw new Refusal(new Error(409, "password.none", "You have no password to show that it is you. Ask an administrator to erase you."));
        if (!(await passwords.CheckAsync(password.Hash, command.Password, cancellation)).Fits)
        {
            attempt.Fail();
            throw new Refusal(new Error(403, "password.wrong", "This is not your password.", "password"));
        }

        return (new SignedOut(), await Erasure.EraseAsync(session, currentUser.Id, currentUser.Id, now, cancellation));
    }
}
