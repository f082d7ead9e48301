using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Wolverine;

namespace LlmPlatform.Auth.SignIn;

/// <summary>Says who somebody is by what they typed, for programs and for browsers alike.</summary>
public sealed class PasswordSignIn(Passwords passwords, SignInAttempts attempts, CallerAddress address, MasterKey master)
{
    /// <summary>The person, or null where something is wrong. What the audit trail is to know of a failure goes to the messages.</summary>
    /// <exception cref="Refusal"><c>auth.too_many_attempts</c>, <c>auth.busy</c></exception>
    public async Task<User?> CheckAsync(SignIn command, IDocumentSession session, OutgoingMessages messages, DateTimeOffset now, CancellationToken cancellation)
    {
        var account = master.ClaimId(EmailAddress.Canonical(command.Email) ?? "");
        using var attempt = attempts.Begin(account, address.Network);
        var claim = await session.LoadAsync<EmailClaim>(account, cancellation);
        var user = claim is null ? null : await session.LoadAsync<User>(claim.UserId, cancellation);
        var password = user is null ? null : await session.LoadAsync<Password>(user.Id, cancellation);
        var check = await passwords.CheckAsync(password?.Hash, command.Password, cancellation);
        if (user is not { IsDisabled: false } || !check.Fits)
        {
            attempt.Fail();
            messages.Add(Act.Of(Guid.Empty, "auth.sign_in_failed", user is null ? "user:unknown" : Act.User(user.Id), now));
            return null;
        }

        if (check.NewHash is { } hash)
        {
            session.Store(new Password(user.Id, hash, now));
        }

        return user;
    }

    // One answer for every reason, so that it tells nobody which addresses are registered.
    internal static ProblemHttpResult Wrong() =>
        TypedResults.Problem(Problem.Of(401, "auth.invalid_credentials", "The e-mail address or the password is wrong."));
}
