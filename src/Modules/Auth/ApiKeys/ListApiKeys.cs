using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Wolverine.Http;

namespace LlmPlatform.Auth.ApiKeys;

/// <summary>A key as its owner sees it; the secret was shown when it was made.</summary>
public sealed record ApiKeyEntry(
    Guid Id, string Name, string Prefix, IReadOnlyList<string> Scopes, IReadOnlyList<string> Models, DateTimeOffset? ExpiresAt, DateTimeOffset CreatedAt);

public static class ListApiKeysEndpoint
{
    [WolverineGet("/api/v1/auth/api-keys", OperationId = "listApiKeys"), Authorize]
    [EndpointSummary("List your API keys"), Tags("API keys")]
    public static async Task<Page<ApiKeyEntry>> Get(IQuerySession session, SubjectVault vault, CurrentUser currentUser, CancellationToken cancellation)
    {
        var keys = await session.Query<ApiKey>().Where(k => k.UserId == currentUser.Id && k.RevokedAt == null).OrderBy(k => k.Id).ToListAsync(cancellation);
        var entries = new List<ApiKeyEntry>(keys.Count);
        foreach (var key in keys)
        {
            var name = await vault.OpenAsync(key.UserId, key.SealedName, cancellation) ?? "";
            entries.Add(new ApiKeyEntry(key.Id, name, key.Prefix, key.Scopes, key.Models, key.ExpiresAt, key.CreatedAt));
        }

        return new Page<ApiKeyEntry>(entries, null);
    }
}
