using FluentValidation;
using LlmPlatform.Auth.SignIn;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.TwoFactor;

/// <summary>Turns one's own second factor off.</summary>
public sealed record DisableTwoFactor(string CurrentPassword, string Code);

internal sealed class DisableTwoFactorValidator : AbstractValidator<DisableTwoFactor>
{
    public DisableTwoFactorValidator()
    {
        RuleFor(c => c.CurrentPassword).NotEmpty().MaximumLength(UserRules.LongestPassword);
        RuleFor(c => c.Code).NotEmpty().MaximumLength(32);
    }
}

public static class DisableTwoFactorEndpoint
{
    [WolverineDelete("/api/v1/auth/me/two-factor", OperationId = "disableTwoFactor"), Authorize]
    [EndpointSummary("Turn your second factor off"), Tags("Two-factor"), ProducesResponseType<ProblemDetails>(403), ProducesResponseType<ProblemDetails>(429)]
    public static async Task<(NoContent, OutgoingMessages)> Delete(
        DisableTwoFactor command,
        IDocumentSession session,
        Reauthentication reauthentication,
        CurrentUser currentUser,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        await reauthentication.RequireAsync(session, currentUser.Id, command.CurrentPassword, command.Code, now, cancellation);
        SecondFactors.Remove(session, currentUser.Id);
        return (TypedResults.NoContent(), [Act.Of(currentUser.Id, "auth.two_factor_disabled", Act.User(currentUser.Id), now)]);
    }
}

public static class DisableTwoFactorOfUserEndpoint
{
    [WolverineDelete("/api/v1/auth/users/{id}/two-factor", OperationId = "disableTwoFactorOfUser"), Authorize(Policies.Administrator)]
    [EndpointSummary("Turn somebody's second factor off, who lost it"), Tags("Users"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(NoContent, OutgoingMessages)> Delete(
        Guid id, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        if (await session.LoadAsync<User>(id, cancellation) is null)
        {
            throw Refusal.NotFound("user.not_found", "There is no such user.");
        }

        SecondFactors.Remove(session, id);
        return (TypedResults.NoContent(), [Act.Of(currentUser.Id, "auth.two_factor_disabled", Act.User(id), now)]);
    }
}
