using System.Net;
using System.Security.Claims;
using LlmPlatform.Auth.ApiKeys;
using LlmPlatform.Auth.SignIn;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.Extensions.Caching.Memory;

namespace LlmPlatform.Auth.Credentials;

/// <summary>
/// Reads access tokens and API keys. What the database says of a key, a session or a user is remembered for three seconds, so a revocation
/// works within that time on every node, and a busy client costs no query per request.
/// </summary>
internal sealed class Credentials(IAuthStore store, AccessTokens tokens, ApiKeyUses uses, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(3);
    private static readonly MemoryCacheEntryOptions Entry = new() { AbsoluteExpirationRelativeToNow = Remembered, Size = 1 };

    // Bounded: made-up keys must not fill the memory.
    private readonly MemoryCache cache = new(new MemoryCacheOptions { SizeLimit = 50_000 });

    /// <summary>The identity behind a credential, or null where it is not valid now or not from this address.</summary>
    public async ValueTask<ClaimsIdentity?> ReadAsync(string text, IPAddress? address, CancellationToken cancellation)
    {
        if (text.StartsWith(ApiKeyText.Marker, StringComparison.Ordinal))
        {
            return ApiKeyText.Parse(text) is { } key ? await ReadKeyAsync(key, address, cancellation) : null;
        }

        return await tokens.ReadAsync(text, cancellation) is { } token ? await ReadTokenAsync(token, cancellation) : null;
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
        var identity = Identity(user);
        identity.AddClaim(new Claim(CurrentUser.ApiKeyClaim, key.Id.ToString()));
        identity.AddClaims(key.Scopes.Select(scope => new Claim(CurrentUser.ScopeClaim, scope)));
        identity.AddClaims(key.Models.Select(model => new Claim(CurrentUser.ModelClaim, model)));
        return identity;
    }

    private async ValueTask<ClaimsIdentity?> ReadTokenAsync(AccessToken token, CancellationToken cancellation)
    {
        var open = await RememberAsync(
            $"session {token.SessionId} {token.UserId}",
            async session => await SignInSessions.IsOpenAsync(session, token.SessionId, token.UserId, clock.GetUtcNow(), cancellation) ? "open" : null);
        if (open is null || await UserAsync(token.UserId, cancellation) is not { } user)
        {
            return null;
        }

        var identity = Identity(user);
        identity.AddClaim(new Claim(CurrentUser.SessionClaim, token.SessionId.ToString()));
        identity.AddClaim(new Claim(CurrentUser.ScopeClaim, Scopes.Everything));
        return identity;
    }

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

    private static ClaimsIdentity Identity(User user) => new(
        [
            new Claim(CurrentUser.SubjectClaim, user.Id.ToString()), new Claim(CurrentUser.RoleClaim, user.Role),
            .. user.Groups.Select(group => new Claim(CurrentUser.GroupClaim, group)),
        ],
        CredentialHandler.Name,
        CurrentUser.SubjectClaim,
        CurrentUser.RoleClaim);
}
