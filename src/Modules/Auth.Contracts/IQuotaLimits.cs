namespace LlmPlatform.Auth.Contracts;

/// <summary>Answers how much may be used. What has been used stands in the ledger of the module that serves it.</summary>
public interface IQuotaLimits
{
    /// <summary>Every limit that a request counts against; all of them have to allow it. A changed limit is seen within 5 seconds.</summary>
    Task<IReadOnlyList<QuotaLimit>> FindAsync(QuotaSubject subject, CancellationToken cancellation);
}

/// <summary>Whom and what a request counts for.</summary>
/// <param name="UserId">Who asks.</param>
/// <param name="ApiKeyId">By which key, where it is one.</param>
/// <param name="Groups">Keys of the groups that the user is in.</param>
/// <param name="Model">The installed model that serves it.</param>
public sealed record QuotaSubject(Guid UserId, Guid? ApiKeyId, IReadOnlyList<string> Groups, string Model);

/// <summary>A limit and the account that counts against it. Requests of different people count together where the account is the same.</summary>
/// <param name="Account">Such as <c>user:…</c>, <c>group:staff</c>, <c>key:…</c> or <c>model:qwen3</c>.</param>
/// <param name="Amounts">How much.</param>
public sealed record QuotaLimit(string Account, QuotaAmounts Amounts);

/// <summary>How much may be used in a day and in a month, both of UTC; null for any amount. Tokens are those of prompt and completion.</summary>
/// <param name="TokensPerDay">Tokens from midnight on.</param>
/// <param name="TokensPerMonth">Tokens from the first of the month on.</param>
/// <param name="RequestsPerDay">Requests from midnight on.</param>
/// <param name="RequestsPerMonth">Requests from the first of the month on.</param>
public sealed record QuotaAmounts(long? TokensPerDay = null, long? TokensPerMonth = null, long? RequestsPerDay = null, long? RequestsPerMonth = null)
{
    /// <summary>Whether nothing is limited.</summary>
    public bool IsEmpty => this is { TokensPerDay: null, TokensPerMonth: null, RequestsPerDay: null, RequestsPerMonth: null };
}
