using FluentValidation;
using LlmPlatform.Auth.Links;
using LlmPlatform.Auth.Mail;
using LlmPlatform.Auth.SignIn;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.Recovery;

/// <summary>Asks for a link by which somebody who forgot the password sets another.</summary>
public sealed record RequestPasswordReset(string Email);

internal sealed class RequestPasswordResetValidator : AbstractValidator<RequestPasswordReset>
{
    public RequestPasswordResetValidator() => RuleFor(c => c.Email).Email();
}

public static class RequestPasswordResetEndpoint
{
    [WolverinePost("/api/v1/auth/password-reset", OperationId = "requestPasswordReset"), AllowAnonymous]
    [EndpointSummary("Ask for a link to set another password"), Tags("Sign-in"), ProducesResponseType<ProblemDetails>(429)]
    public static (Accepted, OutgoingMessages) Post(RequestPasswordReset command, LinkRequests requests, CallerAddress address, MasterKey master)
    {
        requests.Take(master.ClaimId(EmailAddress.Canonical(command.Email)!), address.Network);

        // Whether the address is known is found out later, so neither the answer nor its time tells.
        return (TypedResults.Accepted((string?)null), [new MailPasswordReset(master.SealText(command.Email))]);
    }
}
