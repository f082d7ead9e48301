using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;

namespace LlmPlatform.Auth.Users;

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
        var id = newcomer.Id ?? Guid.CreateVersion7(now);
        await session.ClaimEmailAsync(master, id, newcomer.Email, cancellation);
        var shown = newcomer.TakesFreeName
            ? await session.ClaimFreeNameAsync(master, id, newcomer.Name, cancellation)
            : await session.ClaimNameAsync(master, id, newcomer.Name, cancellation);
        var email = await vault.SealAsync(id, newcomer.Email.Trim(), cancellation);
        var name = await vault.SealAsync(id, shown, cancellation);
        var registered = new UserRegistered(id, email, name, newcomer.Role, by ?? id, now);
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
