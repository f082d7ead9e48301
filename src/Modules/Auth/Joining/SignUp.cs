using FluentValidation;
using LlmPlatform.Auth.Links;
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

namespace LlmPlatform.Auth.Joining;

/// <summary>Asks to join, where the platform lets people do so by themselves.</summary>
public sealed record SignUp(string Email, string Name, string Password);

internal sealed class SignUpValidator : AbstractValidator<SignUp>
{
    public SignUpValidator()
    {
        RuleFor(c => c.Email).Email();
        RuleFor(c => c.Name).PersonName();
        RuleFor(c => c.Password).NewPassword().NotPersonal(c => c.Email, c => c.Name);
    }
}

public static class SignUpEndpoint
{
    [WolverinePost("/api/v1/auth/sign-up", OperationId = "signUp"), AllowAnonymous]
    [EndpointSummary("Ask to join"), Tags("Sign-in"), ProducesResponseType<ProblemDetails>(403), ProducesResponseType<ProblemDetails>(429)]
    public static async Task<(Accepted, OutgoingMessages)> Post(
        SignUp command,
        IQuerySession session,
        SignUpMode mode,
        LinkRequests requests,
        CallerAddress address,
        Passwords passwords,
        MasterKey master,
        CancellationToken cancellation)
    {
        mode.RefuseClosed();
        requests.Take(master.ClaimId(EmailAddress.Canonical(command.Email)!), address.Network);

        // Whether the address is known is found out later, so neither the answer nor its time tells.
        var newcomer = new Newcomer(command.Email.Trim(), command.Name, await passwords.HashAsync(command.Password, cancellation));
        return (TypedResults.Accepted((string?)null), [new ReceiveSignUp(newcomer.Seal(master))]);
    }
}
