using FluentValidation;
using LlmPlatform.Auth.Links;
using LlmPlatform.Auth.Mail;
using LlmPlatform.Auth.SignIn;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.Users;

/// <summary>Asks for another e-mail address. It counts once the link that goes there was opened.</summary>
public sealed record ChangeEmail(string NewEmail, string CurrentPassword);

internal sealed class ChangeEmailValidator : AbstractValidator<ChangeEmail>
{
    public ChangeEmailValidator()
    {
        RuleFor(c => c.NewEmail).Email();
        RuleFor(c => c.CurrentPassword).NotEmpty().MaximumLength(UserRules.LongestPassword);
    }
}

public static class ChangeEmailEndpoint
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(1);

    [WolverinePost("/api/v1/auth/me/email", OperationId = "changeEmail"), Authorize]
    [EndpointSummary("Ask for another e-mail address"), Tags("Users"), ProducesResponseType<ProblemDetails>(403), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(Accepted, OutgoingMessages)> Post(
        ChangeEmail command,
        IDocumentSession session,
        Reauthentication reauthentication,
        OneTimeLinks links,
        MailSettings mail,
        SubjectVault vault,
        MasterKey master,
        CurrentUser currentUser,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        await reauthentication.RequireAsync(session, currentUser.Id, command.CurrentPassword, cancellation);
        if (!mail.IsOn)
        {
            throw new Refusal(new Error(409, "mail.off", "This platform sends no mail, so nobody can confirm an address. An administrator changes it."));
        }

        var user = await session.LoadAsync<User>(currentUser.Id, cancellation) ?? throw Refusal.Unauthenticated();
        var email = command.NewEmail.Trim();
        var link = links.Issue(session, LinkPurpose.EmailChange, user.Id, now + Lifetime, now, await vault.SealAsync(user.Id, email, cancellation));
        var messages = new OutgoingMessages { Act.Of(user.Id, "auth.email_change_requested", Act.User(user.Id), now) };

        // Somebody who has that address already gets no link, and who asks does not learn of it.
        if (await session.LoadAsync<EmailClaim>(master.ClaimId(EmailAddress.Canonical(email)!), cancellation) is null)
        {
            messages.Add(SendMail.Of(master, Letter.EmailConfirmation, email, link, now));
        }

        if (await vault.OpenAsync(user.Id, user.SealedEmail, cancellation) is { } old)
        {
            messages.Add(SendMail.Of(master, Letter.EmailChange, old, link: null, now));
        }

        return (TypedResults.Accepted((string?)null), messages);
    }
}
