using LlmPlatform.Auth.TwoFactor;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;

namespace LlmPlatform.Auth.SignIn;

/// <summary>Says who somebody is by what they typed, for programs and for browsers alike.</summary>
public sealed class PasswordSignIn(Passwords passwords, SecondFactor factor, SignInAttempts attempts, CallerAddress address, MasterKey master)
{
    // One answer for every reason, so that it tells nobody which addresses are registered.
    private static readonly Error Wrong = new(401, "auth.invalid_credentials", "The e-mail address or the password is wrong.");

    private static readonly Error CodeRequired = new(
        401, "auth.code_required", "The password is right. Send the code of your authenticator app, or a backup code, as 'code'.");

    private static readonly Error CodeWrong = new(401, "auth.code_wrong", "This code is not right now, or was used.", "code");

    /// <summary>The person, or what is wrong. What the audit trail is to know of a failure goes to the messages.</summary>
    /// <exception cref="Refusal"><c>auth.too_many_attempts</c>, <c>auth.busy</c></exception>
    public async Task<(User? User, Error? Refusal)> CheckAsync(
        SignIn command, IDocumentSession session, OutgoingMessages messages, DateTimeOffset now, CancellationToken cancellation)
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
            return (null, Wrong);
        }

        switch (await factor.CheckAsync(session, user.Id, command.Code, now, cancellation))
        {
            case CodeCheck.Missing:
                return (null, CodeRequired);

            case CodeCheck.Wrong:
                attempt.Fail();
                messages.Add(Act.Of(Guid.Empty, "auth.sign_in_failed", Act.User(user.Id), now));
                return (null, CodeWrong);
        }

        if (check.NewHash is { } hash)
        {
            session.Store(new Password(user.Id, hash, now));
        }

        return (user, null);
    }
}
