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
    DateTimeOffset At);

public sealed record ApiKeyRevoked(Guid KeyId, Guid By, DateTimeOffset At);

/// <summary>A key that a program signs in with. The secret was shown once; only its hash is kept.</summary>
public sealed partial record ApiKey
{
    public Guid Id { get; init; }

    public required Guid UserId { get; init; }

    /// <summary>The public part, by which a key is found and told from others.</summary>
    public required string Prefix { get; init; }

    public required byte[] SecretHash { get; init; }

    public required string SealedName { get; init; }

    public required IReadOnlyList<string> Scopes { get; init; }

    /// <summary>Models it may use; empty means every model.</summary>
    public required IReadOnlyList<string> Models { get; init; }

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
        ExpiresAt = e.ExpiresAt,
        CreatedAt = e.At,
    };

    public ApiKey Apply(ApiKeyRevoked e) => this with { RevokedAt = e.At };

    public bool IsValidAt(DateTimeOffset now) => RevokedAt is null && (ExpiresAt is not { } end || now < end);
}
