using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;

namespace LlmPlatform.Auth.SignIn;

/// <summary>Asks somebody who is signed in for the password again, before what a thief of the session must not do. Wrong ones count like those at sign-in.</summary>
public sealed class Reauthentication(Passwords passwords, SignInAttempts attempts, CallerAddress address)
{
    /// <exception cref="Refusal"><c>password.wrong</c>, <c>auth.too_many_attempts</c></exception>
    public async Task RequireAsync(IQuerySession session, Guid userId, string password, CancellationToken cancellation)
    {
        using var attempt = attempts.Begin(userId.ToString(), address.Network);
        var known = await session.LoadAsync<Password>(userId, cancellation);
        if (!(await passwords.CheckAsync(known?.Hash, password, cancellation)).Fits)
        {
            attempt.Fail();
            throw new Refusal(new Error(403, "password.wrong", "This is not your password.", "currentPassword"));
        }
    }
}
