using System.Net;
using LlmPlatform.Auth.Contracts;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Auth.ApiKeys;

public sealed record ApiKeyCreated(
    Guid KeyId,
    Guid UserId,
    string Prefix,
    byte[] SecretHash,
    string SealedName,
    IReadOnlyList<string> Scopes,
    IReadOnlyList<string> Models,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset At)
{
    public IReadOnlyList<string> Networks { get; init; } = [];

    public QuotaAmounts? Budget { get; init; }
}

public sealed record ApiKeyChanged(
    Guid KeyId, string SealedName, IReadOnlyList<string> Models, IReadOnlyList<string> Networks, QuotaAmounts? Budget, DateTimeOffset At);

public sealed record ApiKeyRotated(Guid KeyId, byte[] SecretHash, DateTimeOffset OldSecretUntil, DateTimeOffset At);

public sealed record ApiKeyRevoked(Guid KeyId, Guid By, DateTimeOffset At);

/// <summary>A key that a program signs in with. The secret was shown once; only its hash is kept.</summary>
public sealed partial record ApiKey
{
    public Guid Id { get; init; }

    public required Guid UserId { get; init; }

    /// <summary>The public part, by which a key is found and told from others.</summary>
    public required string Prefix { get; init; }

    public required byte[] SecretHash { get; init; }

    /// <summary>The secret before the last rotation, which works until <see cref="OldSecretUntil"/>.</summary>
    public byte[]? OldSecretHash { get; init; }

    public DateTimeOffset? OldSecretUntil { get; init; }

    public required string SealedName { get; init; }

    public required IReadOnlyList<string> Scopes { get; init; }

    /// <summary>Models it may use; empty means every model.</summary>
    public required IReadOnlyList<string> Models { get; init; }

    /// <summary>Addresses it may be used from, as CIDR; empty means from everywhere.</summary>
    public IReadOnlyList<string> Networks { get; init; } = [];

    /// <summary>How much it may use; null means as much as its owner.</summary>
    public QuotaAmounts? Budget { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    public DateTimeOffset? RevokedAt { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public static ApiKey Create(ApiKeyCreated e) => new()
    {
        Id = e.KeyId,
        UserId = e.UserId,
        Prefix = e.Prefix,
        SecretHash = e.SecretHash,
        SealedName = e.SealedName,
        Scopes = e.Scopes,
        Models = e.Models,
        Networks = e.Networks,
        Budget = e.Budget,
        ExpiresAt = e.ExpiresAt,
        CreatedAt = e.At,
    };

    public ApiKey Apply(ApiKeyChanged e) => this with { SealedName = e.SealedName, Models = e.Models, Networks = e.Networks, Budget = e.Budget };

    public ApiKey Apply(ApiKeyRotated e) => this with { SecretHash = e.SecretHash, OldSecretHash = SecretHash, OldSecretUntil = e.OldSecretUntil };

    public ApiKey Apply(ApiKeyRevoked e) => this with { RevokedAt = e.At };

    public bool IsValidAt(DateTimeOffset now) => RevokedAt is null && (ExpiresAt is not { } end || now < end);

    internal bool Fits(string secret, DateTimeOffset now) =>
        Secret.Matches(secret, SecretHash) || (OldSecretHash is { } old && now < OldSecretUntil && Secret.Matches(secret, old));

    /// <summary>Whether it may be used from an address; null is an address that nobody knows.</summary>
    internal bool IsFor(IPAddress? address) =>
        Networks.Count == 0 || (address is not null && Networks.Any(network => IPNetwork.Parse(network).Contains(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)));

    /// <summary>Keys are made and changed by people: a key that could would lift its own limits.</summary>
    internal static void RefuseKey(CurrentUser caller)
    {
        if (caller.ApiKeyId is not null)
        {
            throw new Refusal(new Error(403, "api_key.not_by_key", "Sign in to make or change API keys; a key cannot."));
        }
    }

    internal static Refusal NotFound() => Refusal.NotFound("api_key.not_found", "There is no such API key.");
}
