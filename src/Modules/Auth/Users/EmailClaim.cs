using LlmPlatform.SharedKernel;
using Marten;

namespace LlmPlatform.Auth.Users;

/// <summary>Holds an address for one user: the id is the blind index of the canonical address, so it can be taken once.</summary>
public sealed record EmailClaim(string Id, Guid UserId);

internal static class EmailClaims
{
    /// <summary>Takes an address for somebody in the unit of work.</summary>
    /// <exception cref="Refusal"><c>email.invalid</c>, <c>email.taken</c></exception>
    public static async Task ClaimEmailAsync(this IDocumentSession session, MasterKey master, Guid userId, string email, CancellationToken cancellation)
    {
        var claim = master.ClaimId(EmailAddress.Canonical(email) ?? throw Refusal.BadParam("email", "This is not an e-mail address.", "email.invalid"));
        await session.LockAsync($"auth:{claim}", cancellation);
        if (await session.LoadAsync<EmailClaim>(claim, cancellation) is not null)
        {
            throw Taken();
        }

        session.Insert(new EmailClaim(claim, userId));
    }

    /// <summary>Gives somebody another address in place of the one they have, and answers with what happened, or null where it is the same mailbox.</summary>
    /// <exception cref="Refusal"><c>email.invalid</c>, <c>email.taken</c></exception>
    public static async Task<UserEmailChanged?> MoveEmailAsync(
        this IDocumentSession session, MasterKey master, SubjectVault vault, User user, string email, Guid by, DateTimeOffset now, CancellationToken cancellation)
    {
        var old = EmailAddress.Canonical(await vault.OpenAsync(user.Id, user.SealedEmail, cancellation));
        if (old is not null && old == EmailAddress.Canonical(email))
        {
            return null;
        }

        await session.ClaimEmailAsync(master, user.Id, email, cancellation);
        if (old is not null)
        {
            session.Delete<EmailClaim>(master.ClaimId(old));
        }

        return new UserEmailChanged(user.Id, await vault.SealAsync(user.Id, email.Trim(), cancellation), by, now);
    }

    internal static Refusal Taken() => new(new Error(409, "email.taken", "Somebody with this e-mail address is registered already.", "email"));
}
