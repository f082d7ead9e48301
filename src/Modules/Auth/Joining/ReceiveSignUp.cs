using System.Text.Json;
using LlmPlatform.Auth.Links;
using LlmPlatform.Auth.Mail;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;

namespace LlmPlatform.Auth.Joining;

/// <summary>Registers somebody who signed up, or first has the address confirmed where mails are sent.</summary>
/// <param name="SealedNewcomer">Who it is, sealed by the master key: the person has no key of their own yet.</param>
public sealed record ReceiveSignUp(string SealedNewcomer);

public static class ReceiveSignUpHandler
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(1);

    public static async Task<OutgoingMessages> Handle(
        ReceiveSignUp command,
        IDocumentSession session,
        SignUpMode mode,
        Registration registration,
        OneTimeLinks links,
        MailSettings mail,
        SubjectVault vault,
        MasterKey master,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        var newcomer = Newcomer.Open(master, command.SealedNewcomer);
        var messages = new OutgoingMessages();
        if (await session.LoadAsync<EmailClaim>(master.ClaimId(EmailAddress.Canonical(newcomer.Email)!), cancellation) is { } claim)
        {
            if (mail.IsOn && await session.LoadAsync<User>(claim.UserId, cancellation) is { } user && await vault.OpenAsync(user.Id, user.SealedEmail, cancellation) is { } email)
            {
                messages.Add(SendMail.Of(master, Letter.AlreadyRegistered, email, link: null, now));
            }

            return messages;
        }

        if (mail.IsOn)
        {
            var link = links.Issue(session, LinkPurpose.SignUp, Guid.CreateVersion7(now), now + Lifetime, now, command.SealedNewcomer);
            messages.Add(SendMail.Of(master, Letter.SignUp, newcomer.Email, link, now));
            return messages;
        }

        await registration.AddAsync(session, messages, newcomer.ToUser(mode.Role, id: null), by: null, now, cancellation);
        return messages;
    }
}

/// <summary>Somebody who is about to be registered.</summary>
internal sealed record Newcomer(string Email, string Name, string PasswordHash)
{
    public string Seal(MasterKey master) => master.SealText(JsonSerializer.Serialize(this));

    public static Newcomer Open(MasterKey master, string text) => JsonSerializer.Deserialize<Newcomer>(master.OpenText(text))!;

    // A name that is taken gets a number: refusing it would tell who has signed up before.
    public NewUser ToUser(string role, Guid? id) => new(Email, Name, role, PasswordHash) { Id = id, TakesFreeName = true };
}
