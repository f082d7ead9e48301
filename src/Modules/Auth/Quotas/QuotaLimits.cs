using LlmPlatform.Auth.ApiKeys;
using LlmPlatform.Auth.Contracts;
using Microsoft.Extensions.Caching.Memory;

namespace LlmPlatform.Auth.Quotas;

/// <summary>Finds the limits of a request. What the database says is remembered for three seconds.</summary>
internal sealed class QuotaLimits(IAuthStore store) : IQuotaLimits, IDisposable
{
    private static readonly QuotaAmounts None = new();
    private static readonly MemoryCacheEntryOptions Entry = new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromSeconds(3), Size = 1 };
    private readonly MemoryCache cache = new(new MemoryCacheOptions { SizeLimit = 50_000 });

    public async Task<IReadOnlyList<QuotaLimit>> FindAsync(QuotaSubject subject, CancellationToken cancellation)
    {
        var user = Quota.OfUser(subject.UserId);
        List<string> accounts = [user, Quota.OfModel(subject.Model), .. subject.Groups.Select(Quota.OfGroup)];
        if (subject.ApiKeyId is { } key)
        {
            accounts.Add(Quota.OfKey(key));
        }

        var known = await ReadAsync([.. accounts, Quota.EachUser], subject.ApiKeyId, cancellation);
        if (known[user].IsEmpty)
        {
            known[user] = known[Quota.EachUser]; // a person's own quota stands in for the one that each user has
        }

        return [.. accounts.Where(account => !known[account].IsEmpty).Select(account => new QuotaLimit(account, known[account]))];
    }

    public void Dispose() => cache.Dispose();

    private async Task<Dictionary<string, QuotaAmounts>> ReadAsync(IReadOnlyList<string> scopes, Guid? keyId, CancellationToken cancellation)
    {
        var known = new Dictionary<string, QuotaAmounts>();
        foreach (var scope in scopes)
        {
            if (cache.TryGetValue(scope, out QuotaAmounts? amounts))
            {
                known[scope] = amounts!;
            }
        }

        if (scopes.Where(scope => !known.ContainsKey(scope)).ToArray() is not { Length: > 0 } unknown)
        {
            return known;
        }

        await using var session = store.QuerySession();
        var quotas = (await session.LoadManyAsync<Quota>(cancellation, unknown)).ToDictionary(q => q.Id);
        foreach (var scope in unknown)
        {
            var amounts = keyId is { } id && scope == Quota.OfKey(id)
                ? (await session.LoadAsync<ApiKey>(id, cancellation))?.Budget
                : quotas.GetValueOrDefault(scope)?.Amounts;
            known[scope] = cache.Set(scope, amounts ?? None, Entry);
        }

        return known;
    }
}
