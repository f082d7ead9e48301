using LlmPlatform.Auth.TwoFactor;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;

namespace LlmPlatform.Auth.SignIn;

/// <summary>Asks somebody who is signed in for the password again, before what a thief of the session must not do. Wrong ones count like those at sign-in.</summary>
public sealed class Reauthentication(Passwords passwords, SecondFactor factor, SignInAttempts attempts, CallerAddress address)
{
    /// <exception cref="Refusal"><c>password.wrong</c>, <c>auth.too_many_attempts</c></exception>
    public async Task RequireAsync(IQuerySession session, Guid userId, string password, CancellationToken cancellation)
    {
        using var attempt = attempts.Begin(userId.ToString(), address.Network);
        await RequireAsync(session, userId, password, attempt, cancellation);
    }

    /// <summary>Asks for the second factor as well.</summary>
    /// <exception cref="Refusal"><c>password.wrong</c>, <c>two_factor.code_wrong</c>, <c>auth.too_many_attempts</c></exception>
    public async Task RequireAsync(IDocumentSession session, Guid userId, string password, string? code, DateTimeOffset now, CancellationToken cancellation)
    {
        using var attempt = attempts.Begin(userId.ToString(), address.Network);
        await RequireAsync(session, userId, password, attempt, cancellation);
        if (await factor.CheckAsync(session, userId, code, now, cancellation) is CodeCheck.Wrong or CodeCheck.Missing)
        {
            attempt.Fail();
            throw new Refusal(new Error(403, "two_factor.code_wrong", "This code is not right now.", "code"));
        }
    }

    private async Task RequireAsync(IQuerySession session, Guid userId, string password, Attempts.Attempt attempt, CancellationToken cancellation)
    {
        var known = await session.LoadAsync<Password>(userId, cancellation);
        if (!(await passwords.CheckAsync(known?.Hash, password, cancellation)).Fits)
        {
            attempt.Fail();
            throw new Refusal(new Error(403, "password.wrong", "This is not your password.", "currentPassword"));
        }
    }
}
