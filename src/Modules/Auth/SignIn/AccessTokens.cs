using System.Text.Json;
using LlmPlatform.SharedKernel;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace LlmPlatform.Auth.SignIn;

/// <summary>What a valid access token says.</summary>
public sealed record AccessToken(Guid UserId, Guid SessionId, string Role);

/// <summary>
/// Issues and reads access tokens: JWTs of type <c>at+jwt</c>, signed with ES256 by our own keys and by nothing else. Headers that name a key
/// or an address of one (<c>jwk</c>, <c>jku</c>, <c>x5u</c>) are never looked at: only <c>kid</c> is, and only among our keys.
/// </summary>
public sealed class AccessTokens(SigningKeys keys, TimeProvider clock)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    /// <summary>A longer token is none of ours.</summary>
    public const int LongestToken = 4096;

    private const string Platform = "llmplatform";
    private const string Type = "at+jwt";
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(30);
    private static readonly JsonWebTokenHandler Handler = new() { MapInboundClaims = false, SetDefaultTimesOnTokenCreation = false };

    public async ValueTask<string> IssueAsync(AccessToken token, CancellationToken cancellation)
    {
        var key = await keys.CurrentAsync(cancellation);
        var now = clock.GetUtcNow().UtcDateTime;
        return Handler.CreateToken(new SecurityTokenDescriptor
        {
            TokenType = Type,
            Issuer = Platform,
            Audience = Platform,
            IssuedAt = now,
            NotBefore = now,
            Expires = now + Lifetime,
            Claims = new Dictionary<string, object>
            {
                [CurrentUser.SubjectClaim] = token.UserId.ToString(),
                [CurrentUser.SessionClaim] = token.SessionId.ToString(),
                [CurrentUser.RoleClaim] = token.Role,
            },
            SigningCredentials = new SigningCredentials(new ECDsaSecurityKey(key.Key) { KeyId = key.Id }, SecurityAlgorithms.EcdsaSha256),
        });
    }

    /// <summary>What the token says, or null where it is not valid now.</summary>
    public async ValueTask<AccessToken?> ReadAsync(string text, CancellationToken cancellation)
    {
        if (Parse(text) is not { IsEncrypted: false, Alg: SecurityAlgorithms.EcdsaSha256, Kid.Length: > 0 } token
            || await keys.FindAsync(token.Kid, cancellation) is not { } key)
        {
            return null;
        }

        var result = await Handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            ValidTypes = [Type],
            ValidIssuer = Platform,
            ValidAudience = Platform,
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            TryAllIssuerSigningKeys = false,
            IssuerSigningKey = new ECDsaSecurityKey(key.Key) { KeyId = key.Id },
            LifetimeValidator = IsCurrent,
        });
        return result.IsValid
            && HasNoDoubles(token)
            && Guid.TryParse(token.Subject, out var user)
            && token.TryGetPayloadValue<string>(CurrentUser.SessionClaim, out var sid) && Guid.TryParse(sid, out var session)
            && token.TryGetPayloadValue<string>(CurrentUser.RoleClaim, out var role)
                ? new AccessToken(user, session, role)
                : null;
    }

    private bool IsCurrent(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters parameters)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return notBefore is { } start && start <= now + Skew && expires is { } end && now < end + Skew;
    }

    // Two readers of one token must not see two people in it.
    private static bool HasNoDoubles(JsonWebToken token)
    {
        try
        {
            using var payload = JsonDocument.Parse(Base64UrlEncoder.DecodeBytes(token.EncodedPayload), new JsonDocumentOptions { AllowDuplicateProperties = false });
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static JsonWebToken? Parse(string text)
    {
        // Base64 decoders skip white space, which would give one token many spellings.
        if (text.Length > LongestToken || text.Any(char.IsWhiteSpace))
        {
            return null;
        }

        try
        {
            return Handler.ReadJsonWebToken(text);
        }
        catch (Exception unreadable) when (unreadable is ArgumentException or SecurityTokenException or FormatException or JsonException)
        {
            return null;
        }
    }
}
