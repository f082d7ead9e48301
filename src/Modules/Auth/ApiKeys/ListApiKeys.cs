using LlmPlatform.Auth.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Wolverine.Http;

namespace LlmPlatform.Auth.ApiKeys;

/// <summary>A key as its owner sees it; the secret was shown when it was made. <see cref="LastUsedAt"/> is right to within some seconds.</summary>
public sealed record ApiKeyEntry(
    Guid Id,
    string Name,
    string Prefix,
    IReadOnlyList<string> Scopes,
    IReadOnlyList<string> Models,
    IReadOnlyList<string> Networks,
    QuotaAmounts? Budget,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset CreatedAt,
    DateTimeOffset? LastUsedAt)
{
    internal static async ValueTask<ApiKeyEntry> OpenAsync(ApiKey key, DateTimeOffset? lastUsedAt, SubjectVault vault, CancellationToken cancellation) => new(
        key.Id,
        await vault.OpenAsync(key.UserId, key.SealedName, cancellation) ?? "",
        key.Prefix,
        key.Scopes,
        key.Models,
        key.Networks,
        key.Budget,
        key.ExpiresAt,
        key.CreatedAt,
        lastUsedAt);
}

public static class ListApiKeysEndpoint
{
    [WolverineGet("/api/v1/auth/api-keys", OperationId = "listApiKeys"), Authorize]
    [EndpointSummary("List your API keys"), Tags("API keys")]
    public static async Task<Page<ApiKeyEntry>> Get(IQuerySession session, SubjectVault vault, CurrentUser currentUser, CancellationToken cancellation)
    {
        var keys = await session.Query<ApiKey>().Where(k => k.UserId == currentUser.Id && k.RevokedAt == null).OrderBy(k => k.Id).ToListAsync(cancellation);
        var uses = await ApiKeyUses.ReadAsync(session, [.. keys.Select(k => k.Id)], cancellation);
        var entries = new List<ApiKeyEntry>(keys.Count);
        foreach (var key in keys)
        {
            entries.Add(await ApiKeyEntry.OpenAsync(key, uses.TryGetValue(key.Id, out var at) ? at : null, vault, cancellation));
        }

        return new Page<ApiKeyEntry>(entries, null);
    }
}
