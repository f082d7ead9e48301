using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;

namespace LlmPlatform.Auth.Users;

/// <summary>Holds an address for one user: the id is the blind index of the canonical address, so it can be taken once.</summary>
public sealed record EmailClaim(string Id, Guid UserId);

/// <summary>A user's password hash. It is a document and no event, because it must be possible to delete it.</summary>
public sealed record Password(Guid Id, string Hash, DateTimeOffset ChangedAt);

/// <summary>Somebody to register, by an administrator, at set-up, by invitation or by signing up.</summary>
public sealed record NewUser(string Email, string Name, string Role, string? PasswordHash)
{
    /// <summary>The id that somebody has already before being registered.</summary>
    public Guid? Id { get; init; }

    /// <summary>Whether a taken name gets a number behind it, where nobody is there to choose another.</summary>
    public bool TakesFreeName { get; init; }
}

/// <summary>The one way in which users come to be.</summary>
public sealed class Registration(SubjectVault vault, MasterKey master)
{
    /// <summary>Adds a user to the session's unit of work, and what others are to be told about it to the messages.</summary>
    /// <exception cref="Refusal"><c>email.taken</c>, <c>name.taken</c></exception>
    public async Task<User> AddAsync(
        IDocumentSession session, OutgoingMessages messages, NewUser newcomer, Guid? by, DateTimeOffset now, CancellationToken cancellation)
    {
        var claim = master.ClaimId(EmailAddress.Canonical(newcomer.Email) ?? throw Refusal.BadParam("email", "This is not an e-mail address.", "email.invalid"));
        await session.LockAsync($"auth:{claim}", cancellation);
        if (await session.LoadAsync<EmailClaim>(claim, cancellation) is not null)
        {
            throw new Refusal(new Error(409, "email.taken", "Somebody with this e-mail address is registered already.", "email"));
        }

        var id = newcomer.Id ?? Guid.CreateVersion7(now);
        var shown = newcomer.TakesFreeName
            ? await session.ClaimFreeNameAsync(master, id, newcomer.Name, cancellation)
            : await session.ClaimNameAsync(master, id, newcomer.Name, cancellation);
        var email = await vault.SealAsync(id, newcomer.Email.Trim(), cancellation);
        var name = await vault.SealAsync(id, shown, cancellation);
        var registered = new UserRegistered(id, email, name, newcomer.Role, by ?? id, now);
        session.Insert(new EmailClaim(claim, id));
        session.Events.StartStream<User>(id, registered);
        if (newcomer.PasswordHash is { } hash)
        {
            session.Insert(new Password(id, hash, now));
        }

        messages.Add(new Contracts.UserRegistered(id, newcomer.Role, now));
        messages.Add(Act.Of(by ?? id, "auth.user_registered", Act.User(id), now));
        return User.Create(registered);
    }
}
