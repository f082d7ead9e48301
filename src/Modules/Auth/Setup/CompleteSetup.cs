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

namespace LlmPlatform.Auth.Setup;

/// <summary>Makes the first administrator, for whoever holds the set-up token that the log shows.</summary>
public sealed record CompleteSetup(string Token, string Email, string Password, string? Name = null);

internal sealed class CompleteSetupValidator : AbstractValidator<CompleteSetup>
{
    public CompleteSetupValidator()
    {
        RuleFor(c => c.Token).NotEmpty().MaximumLength(200);
        RuleFor(c => c.Email).Email();
        RuleFor(c => c.Password).NewPassword().NotPersonal(c => c.Email, c => c.Name);
        RuleFor(c => c.Name).PersonName();
    }
}

public static class CompleteSetupEndpoint
{
    [WolverinePost("/api/v1/auth/setup", OperationId = "completeSetup"), AllowAnonymous]
    [EndpointSummary("Make the first administrator"), Tags("Setup")]
    [ProducesResponseType<ProblemDetails>(401), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(Created<UserProfile>, OutgoingMessages)> Post(
        CompleteSetup command,
        IDocumentSession session,
        Registration registration,
        Passwords passwords,
        SetupLink link,
        SubjectVault vault,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        // Twice: outside the lock, where strangers are turned away at no cost, and inside, where only one can pass.
        await RefuseAsync(session, command.Token, cancellation);
        await session.LockAsync(SetupState.Lock, cancellation);
        await RefuseAsync(session, command.Token, cancellation);

        var hash = await passwords.HashAsync(command.Password, cancellation);
        var messages = new OutgoingMessages();
        var newcomer = new NewUser(command.Email, command.Name ?? "Administrator", Roles.Administrator, hash) { TakesFreeName = command.Name is null };
        var user = await registration.AddAsync(session, messages, newcomer, by: null, now, cancellation);
        session.Store(new SetupState { ClosedAt = now });
        link.Remove();
        return (TypedResults.Created($"/api/v1/auth/users/{user.Id}", await UserProfile.OpenAsync(user, vault, cancellation)), messages);
    }

    private static async Task RefuseAsync(IDocumentSession session, string token, CancellationToken cancellation)
    {
        var state = await session.LoadAsync<SetupState>(SetupState.Only, cancellation);
        if (state is { IsClosed: true })
        {
            throw new Refusal(new Error(409, "setup.closed", "The platform is set up already. Sign in, or ask an administrator."));
        }

        if (state?.TokenHash is not { } hash || !Secret.Matches(token, hash))
        {
            throw new Refusal(new Error(401, "setup.token_invalid", "This is not the set-up token. The log shows the link that holds it.", "token"));
        }
    }
}
