using LlmPlatform.Auth.Links;
using LlmPlatform.Auth.Mail;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;

namespace LlmPlatform.Auth.Recovery;

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
