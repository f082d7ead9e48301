using LlmPlatform.Auth.Links;
using LlmPlatform.Auth.SignIn;
using Marten;

namespace LlmPlatform.Auth.Users;

/// <summary>A user's password hash. It is a document and no event, because it must be possible to delete it.</summary>
public sealed record Password(Guid Id, string Hash, DateTimeOffset ChangedAt);

internal static class PasswordChanges
{
    /// <summary>Sets another password. Whoever signed in with the old one, or holds a link that was sent before, is out; only the kept session stays.</summary>
    public static void SetPassword(this IDocumentSession session, Guid userId, string hash, Guid keptSession, DateTimeOffset now)
    {
        session.Store(new Password(userId, hash, now));
        OneTimeLinks.EndAll(session, userId);
        SignInSessions.RevokeAll(session, userId, keptSession, now);
    }
}
