using LlmPlatform.Auth.ApiKeys;
using LlmPlatform.Auth.Avatars;
using LlmPlatform.Auth.Links;
using LlmPlatform.Auth.Oidc;
using LlmPlatform.Auth.Quotas;
using LlmPlatform.Auth.SignIn;
using LlmPlatform.Auth.TwoFactor;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;

namespace LlmPlatform.Auth.PersonalData;

/// <summary>
/// Forgets a person. Events stay as they are, but the key that opens their personal text is destroyed; what is no event is deleted. What is left says
/// that somebody of this id was here and was erased, which is what the audit trail needs.
/// </summary>
internal static class Erasure
{
    /// <summary>Adds all of it to the session's unit of work: it happens whole or not at all.</summary>
    /// <exception cref="Refusal"><c>user.not_found</c>, <c>user.last_administrator</c></exception>
    public static async Task<OutgoingMessages> EraseAsync(IDocumentSession session, Guid userId, Guid by, DateTimeOffset now, CancellationToken cancellation)
    {
        await session.LockAsync(Administrators.Lock, cancellation);
        var stream = await session.Events.FetchForWriting<User>(userId, cancellation);
        var user = stream.Aggregate ?? throw Refusal.NotFound("user.not_found", "There is no such user.");
        if (user.IsActiveAdministrator && !await Administrators.HasOtherAsync(session, userId, cancellation))
        {
            throw Administrators.Last();
        }

        stream.AppendOne(new UserErased(userId, by, now));
        foreach (var key in await session.Query<ApiKey>().Where(key => key.UserId == userId && key.RevokedAt == null).ToListAsync(cancellation))
        {
            session.Events.Append(key.Id, new ApiKeyRevoked(key.Id, by, now));
        }

        session.DeleteWhere<EmailClaim>(claim => claim.UserId == userId);
        session.DeleteWhere<NameClaim>(claim => claim.UserId == userId);
        session.DeleteWhere<AccountLink>(link => link.UserId == userId);
        session.Delete<Password>(userId);
        session.Delete<Quota>(Quota.OfUser(userId));
        OneTimeLinks.EndAll(session, userId);
        SecondFactors.Remove(session, userId);
        AvatarTable.Delete(session, userId);
        SignInSessions.Delete(session, userId);
        SubjectVault.Destroy(session, userId);
        return [new Contracts.UserErased(userId, now), Act.Of(by, "auth.user_erased", Act.User(userId), now)];
    }
}
