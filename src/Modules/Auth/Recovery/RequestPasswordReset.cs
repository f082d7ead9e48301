using FluentValidation;
using LlmPlatform.Auth.Links;
using LlmPlatform.Auth.Mail;
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

/// <summary>Mails the link, where the address belongs to somebody who may sign in.</summary>
public sealed record MailPasswordReset(string SealedEmail);

public static class MailPasswordResetHandler
{
    public static async Task<OutgoingMessages> Handle(
        MailPasswordReset command,
        IDocumentSession session,
        OneTimeLinks links,
        MailSettings mail,
        SubjectVault vault,
        MasterKey master,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        var claim = master.ClaimId(EmailAddress.Canonical(master.OpenText(command.SealedEmail))!);
        if (!mail.IsOn
            || await session.LoadAsync<EmailClaim>(claim, cancellation) is not { } known
            || await session.LoadAsync<User>(known.UserId, cancellation) is not { IsDisabled: false } user
            || await vault.OpenAsync(user.Id, user.SealedEmail, cancellation) is not { } email)
        {
            return [];
        }

        var link = links.Issue(session, LinkPurpose.PasswordReset, user.Id, now + ResetLink.Lifetime, now);
        return [SendMail.Of(master, Letter.PasswordReset, email, link, now), Act.Of(Guid.Empty, "auth.password_reset_requested", Act.User(user.Id), now)];
    }
}
