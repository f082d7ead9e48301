using System.Globalization;
using LlmPlatform.Auth.Contracts;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Inference.Quotas;

/// <summary>One account in one period, and what it may use there.</summary>
/// <param name="Account">Whose.</param>
/// <param name="Period">A day (<c>2026-11-27</c>) or a month (<c>2026-11</c>) of UTC.</param>
/// <param name="Tokens">At most so many tokens.</param>
/// <param name="Requests">At most so many requests.</param>
/// <param name="EndsAt">When the period ends, and what it used is forgotten.</param>
internal sealed record QuotaLine(string Account, string Period, long Tokens, long Requests, DateTimeOffset EndsAt)
{
    public const long Unlimited = long.MaxValue;

    /// <summary>The lines that limits mean at a time, in the order in which the ledger locks them.</summary>
    public static IReadOnlyList<QuotaLine> Of(IEnumerable<QuotaLimit> limits, DateTimeOffset now) =>
        [.. limits.SelectMany(limit => Of(limit, now)).OrderBy(line => line.Account, StringComparer.Ordinal).ThenBy(line => line.Period, StringComparer.Ordinal)];

    private static IEnumerable<QuotaLine> Of(QuotaLimit limit, DateTimeOffset now)
    {
        var today = now.UtcDateTime.Date;
        if (limit.Amounts is { TokensPerDay: not null } or { RequestsPerDay: not null })
        {
            yield return Line(limit, today.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), limit.Amounts.TokensPerDay, limit.Amounts.RequestsPerDay, today.AddDays(1));
        }

        if (limit.Amounts is { TokensPerMonth: not null } or { RequestsPerMonth: not null })
        {
            var month = new DateTime(today.Year, today.Month, 1, 0, 0, 0, DateTimeKind.Utc);
            yield return Line(limit, Month.Of(now), limit.Amounts.TokensPerMonth, limit.Amounts.RequestsPerMonth, month.AddMonths(1));
        }
    }

    private static QuotaLine Line(QuotaLimit limit, string period, long? tokens, long? requests, DateTime end) =>
        new(limit.Account, period, tokens ?? Unlimited, requests ?? Unlimited, new DateTimeOffset(end, TimeSpan.Zero));
}

/// <summary>A line as it stands: used is spent, held is promised to requests that run.</summary>
internal sealed record QuotaBalance(QuotaLine Line, long TokensUsed, long TokensHeld, long RequestsUsed, long RequestsHeld)
{
    /// <summary>Tokens that nobody has been promised; null where they are not limited.</summary>
    public long? TokensLeft => Line.Tokens == QuotaLine.Unlimited ? null : Math.Max(0, Line.Tokens - TokensUsed - TokensHeld);

    public long? RequestsLeft => Line.Requests == QuotaLine.Unlimited ? null : Math.Max(0, Line.Requests - RequestsUsed - RequestsHeld);

    public bool HasRoomFor(long tokens) => !(TokensLeft < tokens) && !(RequestsLeft < 1);
}
