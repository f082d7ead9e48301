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

/// <summary>Erases whoever asks, for ever. The password, and the code of a second factor where there is one, show that it is not somebody who found the browser open.</summary>
public sealed record EraseMe(string Password, string? Code = null);

internal sealed class EraseMeValidator : AbstractValidator<EraseMe>
{
    public EraseMeValidator()
    {
        RuleFor(c => c.Password).NotEmpty().MaximumLength(UserRules.LongestPassword);
        RuleFor(c => c.Code).MaximumLength(32);
    }
}

public static class EraseMeEndpoint
{
    [WolverineDelete("/api/v1/auth/me", OperationId = "eraseMe"), Authorize]
    [EndpointSummary("Erase yourself for ever"), Tags("Users"), ProducesResponseType(204)]
    [ProducesResponseType<ProblemDetails>(403), ProducesResponseType<ProblemDetails>(409), ProducesResponseType<ProblemDetails>(429)]
    public static async Task<(IResult, OutgoingMessages)> Delete(
        EraseMe command, IDocumentSession session, Reauthentication again, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        if (await session.LoadAsync<Password>(currentUser.Id, cancellation) is null)
        {
            throw new Refusal(new Error(409, "password.none", "You have no password to show that it is you. Ask an administrator to erase you."));
        }

        await again.RequireAsync(session, currentUser.Id, command.Password, command.Code, now, cancellation);
        return (new SignedOut(), await Erasure.EraseAsync(session, currentUser.Id, currentUser.Id, now, cancellation));
    }
}
