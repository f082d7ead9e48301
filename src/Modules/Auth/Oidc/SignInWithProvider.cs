using LlmPlatform.Auth.Groups;
using LlmPlatform.Auth.SignIn;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;

namespace LlmPlatform.Auth.Oidc;

/// <summary>Signs in whom a provider vouches for. It is handled at once and stored nowhere, since it holds personal text.</summary>
/// <param name="Issuer">The provider.</param>
/// <param name="Subject">The person, as the provider calls them for ever.</param>
/// <param name="Email">An address, which may change hands: it names nobody.</param>
/// <param name="IsEmailVerified">Whether the provider says that the address is theirs.</param>
/// <param name="Name">Display name.</param>
/// <param name="Groups">Names of the person's groups there.</param>
/// <param name="Before">The session that the browser had.</param>
public sealed record SignInWithProvider(string Issuer, string Subject, string? Email, bool IsEmailVerified, string? Name, IReadOnlyList<string> Groups, Guid? Before);

/// <summary>What became of it: the secret of a new session, or the code of the reason why there is none.</summary>
public sealed record ProviderSignIn(string? Secret, string? Refusal);

/// <summary>Somebody's account elsewhere. The id is the blind index of issuer and subject, so it belongs to one person here.</summary>
public sealed record AccountLink(string Id, Guid UserId, DateTimeOffset LinkedAt)
{
    /// <summary>Whether a group there made the person an administrator; only then does leaving it undo that.</summary>
    public bool MadeAdministrator { get; init; }
}

public static class SignInWithProviderHandler
{
    public static async Task<(ProviderSignIn, OutgoingMessages)> Handle(
        SignInWithProvider command,
        IDocumentSession session,
        Registration registration,
        MasterKey master,
        OidcSettings settings,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        var messages = new OutgoingMessages();
        var id = master.BlindIndex("oidc", $"{command.Issuer}\0{command.Subject}");
        await session.LockAsync($"auth:{id}", cancellation);
        await session.LockAsync(Group.Lock, cancellation);
        var link = await session.LoadAsync<AccountLink>(id, cancellation);
        var found = link is null ? await FindByEmailAsync(command, session, master, settings, cancellation) : await session.LoadAsync<User>(link.UserId, cancellation);
        if (found is null && (link is not null || Refusal(command, settings) is not null))
        {
            return (new ProviderSignIn(null, Refusal(command, settings) ?? "oidc.no_account"), messages);
        }

        if (found is { IsDisabled: true })
        {
            messages.Add(Act.Of(Guid.Empty, "auth.sign_in_failed", Act.User(found.Id), now));
            return (new ProviderSignIn(null, "oidc.disabled"), messages);
        }

        var user = found ?? await registration.AddAsync(
            session, messages, new NewUser(command.Email!, NameOf(command), settings.Role, null) { TakesFreeName = true }, by: null, now, cancellation);
        link ??= Link(id, user, messages, now);
        link = await ProviderGroups.ApplyAsync(command.Groups, user, link, settings, session, messages, now, cancellation);
        session.Store(link);
        if (command.Before is { } before)
        {
            SignInSessions.Revoke(session, before, now);
        }

        var sessionId = Guid.CreateVersion7(now);
        messages.Add(Act.Of(user.Id, "auth.signed_in", Act.Session(sessionId), now));
        return (new ProviderSignIn(PageSessions.Open(session, sessionId, user.Id, now), null), messages);
    }

    private static AccountLink Link(string id, User user, OutgoingMessages messages, DateTimeOffset now)
    {
        messages.Add(Act.Of(user.Id, "auth.account_linked", Act.User(user.Id), now));
        return new AccountLink(id, user.Id, now);
    }

    // An address that nobody verified would hand somebody's account to whoever typed it at the provider.
    private static async Task<User?> FindByEmailAsync(
        SignInWithProvider command, IDocumentSession session, MasterKey master, OidcSettings settings, CancellationToken cancellation) =>
        settings.LinkByEmail && command.IsEmailVerified && EmailAddress.Canonical(command.Email) is { } email
        && await session.LoadAsync<EmailClaim>(master.ClaimId(email), cancellation) is { } claim
            ? await session.LoadAsync<User>(claim.UserId, cancellation)
            : null;

    private static string? Refusal(SignInWithProvider command, OidcSettings settings) =>
        !settings.SignUp ? "oidc.no_account" : EmailAddress.Canonical(command.Email) is null ? "oidc.no_email" : null;

    private static string NameOf(SignInWithProvider command) =>
        (command.Name is { } name ? DisplayName.Tidy(name) : null) ?? DisplayName.Tidy(command.Email!.Split('@')[0]) ?? "Somebody";
}
