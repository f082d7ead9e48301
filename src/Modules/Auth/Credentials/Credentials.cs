using System.Net;
using System.Security.Claims;
using LlmPlatform.Auth.ApiKeys;
using LlmPlatform.Auth.Groups;
using LlmPlatform.Auth.SignIn;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Internal;

namespace LlmPlatform.Auth.Credentials;

/// <summary>
/// Reads access tokens, API keys and the cookies of browsers. What the database says of a key, a session or a user is remembered for three seconds, so a revocation
/// works within that time on every node, and a busy client costs no query per request.
/// </summary>
internal sealed class Credentials(IAuthStore store, AccessTokens tokens, ApiKeyUses uses, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(3);
    private static readonly MemoryCacheEntryOptions Entry = new() { AbsoluteExpirationRelativeToNow = Remembered, Size = 1 };

    // Bounded: made-up keys must not fill the memory.
    private readonly MemoryCache cache = new(new MemoryCacheOptions { SizeLimit = 50_000, Clock = new CacheClock(clock) });

    /// <summary>The identity behind a credential, or null where it is not valid now or not from this address.</summary>
    public async ValueTask<ClaimsIdentity?> ReadAsync(string text, IPAddress? address, CancellationToken cancellation)
    {
        if (text.StartsWith(ApiKeyText.Marker, StringComparison.Ordinal))
        {
            return ApiKeyText.Parse(text) is { } key ? await ReadKeyAsync(key, address, cancellation) : null;
        }

        return await tokens.ReadAsync(text, cancellation) is { } token ? await ReadTokenAsync(token, cancellation) : null;
    }

    /// <summary>The identity behind a browser's cookie, or null where its session is over.</summary>
    public async ValueTask<ClaimsIdentity?> ReadCookieAsync(string secret, CancellationToken cancellation)
    {
        if (secret.Length != Secret.Length)
        {
            return null;
        }

        var open = await RememberAsync(
            $"cookie {Convert.ToHexString(Secret.Hash(secret))}", session => PageSessions.FindAsync(session, secret, clock.GetUtcNow(), cancellation));
        return open is not null && await UserAsync(open.UserId, cancellation) is { } user ? WithSession(await IdentityAsync(user, CredentialHandler.Cookie, cancellation), open.Id) : null;
    }

    /// <summary>
    /// Whether somebody who was let in would be let in again: not disabled or demoted, the key or session not ended. That an access token's ten
    /// minutes are over ends nothing that runs already, nor does a page's idleness: what it runs is use.
    /// </summary>
    public async ValueTask<bool> IsGoodAsync(ClaimsPrincipal principal, CancellationToken cancellation)
    {
        var user = await UserAsync(Guid.Parse(principal.FindFirstValue(CurrentUser.SubjectClaim)!), cancellation);
        if (user is null || (user.Role != principal.FindFirstValue(CurrentUser.RoleClaim) && user.Role != Roles.Administrator))
        {
            return false;
        }

        if (Guid.TryParse(principal.FindFirstValue(CurrentUser.ApiKeyClaim), out var keyId))
        {
            return await RememberAsync($"key {keyId}", session => session.LoadAsync<ApiKey>(keyId, cancellation)) is { } key && key.IsValidAt(clock.GetUtcNow());
        }

        return !Guid.TryParse(principal.FindFirstValue(CurrentUser.SessionClaim), out var sessionId) || await IsOpenAsync(sessionId, user.Id, cancellation);
    }

    public void Dispose() => cache.Dispose();

    private async ValueTask<ClaimsIdentity?> ReadKeyAsync(ApiKeyText text, IPAddress? address, CancellationToken cancellation)
    {
        var key = await RememberAsync($"key {text.Prefix}", session => session.Query<ApiKey>().FirstOrDefaultAsync(k => k.Prefix == text.Prefix, cancellation));
        var now = clock.GetUtcNow();
        if (key is null || !key.Fits(text.Secret, now) || !key.IsValidAt(now) || !key.IsFor(address) || await UserAsync(key.UserId, cancellation) is not { } user)
        {
            return null;
        }

        uses.Note(key.Id);
        var identity = await IdentityAsync(user, CredentialHandler.Name, cancellation);
        identity.AddClaim(new Claim(CurrentUser.ApiKeyClaim, key.Id.ToString()));
        identity.AddClaims(key.Scopes.Select(scope => new Claim(CurrentUser.ScopeClaim, scope)));
        identity.AddClaims(key.Models.Select(model => new Claim(CurrentUser.ModelClaim, model)));
        return identity;
    }

    private async ValueTask<ClaimsIdentity?> ReadTokenAsync(AccessToken token, CancellationToken cancellation)
    {
        return await IsOpenAsync(token.SessionId, token.UserId, cancellation) && await UserAsync(token.UserId, cancellation) is { } user
            ? WithSession(await IdentityAsync(user, CredentialHandler.Name, cancellation), token.SessionId)
            : null;
    }

    private async ValueTask<bool> IsOpenAsync(Guid sessionId, Guid userId, CancellationToken cancellation) => await RememberAsync(
        $"session {sessionId} {userId}",
        async session => await SignInSessions.IsOpenAsync(session, sessionId, userId, clock.GetUtcNow(), cancellation) ? "open" : null) is not null;

    // The role comes from here and never from the token, so a demotion works before the token ends.
    private async ValueTask<User?> UserAsync(Guid id, CancellationToken cancellation) =>
        await RememberAsync($"user {id}", session => session.LoadAsync<User>(id, cancellation)) is { IsDisabled: false } user ? user : null;

    private async ValueTask<T?> RememberAsync<T>(string name, Func<IQuerySession, Task<T?>> read)
        where T : class
    {
        if (cache.TryGetValue(name, out T? known))
        {
            return known;
        }

        await using var session = store.QuerySession();
        return cache.Set(name, await read(session), Entry);
    }

    private static ClaimsIdentity WithSession(ClaimsIdentity identity, Guid sessionId)
    {
        identity.AddClaim(new Claim(CurrentUser.SessionClaim, sessionId.ToString()));
        identity.AddClaim(new Claim(CurrentUser.ScopeClaim, Scopes.Everything));
        return identity;
    }

    private async ValueTask<ClaimsIdentity> IdentityAsync(User user, string credential, CancellationToken cancellation)
    {
        var identity = new ClaimsIdentity(credential, CurrentUser.SubjectClaim, CurrentUser.RoleClaim);
        identity.AddClaim(new Claim(CurrentUser.SubjectClaim, user.Id.ToString()));
        identity.AddClaim(new Claim(CurrentUser.RoleClaim, user.Role));
        foreach (var key in user.Groups)
        {
            identity.AddClaim(new Claim(CurrentUser.GroupClaim, key));
            var group = await RememberAsync($"group {key}", session => session.LoadAsync<Group>(key, cancellation));
            identity.AddClaims((group?.Permissions ?? []).Select(permission => new Claim(CurrentUser.PermissionClaim, permission)));
        }

        return identity;
    }

    private sealed class CacheClock(TimeProvider clock) : ISystemClock
    {
        public DateTimeOffset UtcNow => clock.GetUtcNow();
    }
}
