using LlmPlatform.Inference.Names;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Wolverine.Http;

namespace LlmPlatform.Inference.Quotas;

/// <summary>A limit that counts for the caller, and where it stands. Held is what running requests may still use; null is no limit.</summary>
public sealed record QuotaState(
    string Account, string Period, long? TokensLimit, long TokensUsed, long TokensHeld, long? RequestsLimit, long RequestsUsed, long RequestsHeld, DateTimeOffset EndsAt)
{
    internal static QuotaState Of(QuotaBalance balance) => new(
        balance.Line.Account,
        balance.Line.Period,
        Limit(balance.Line.Tokens),
        balance.TokensUsed,
        balance.TokensHeld,
        Limit(balance.Line.Requests),
        balance.RequestsUsed,
        balance.RequestsHeld,
        balance.Line.EndsAt);

    private static long? Limit(long amount) => amount == QuotaLine.Unlimited ? null : amount;
}

public static class ListQuotaBalancesEndpoint
{
    [WolverineGet("/api/v1/inference/quotas", OperationId = "listQuotaBalances"), Authorize]
    [EndpointSummary("Show the quotas that count for you, with a model also those of the model"), Tags("Usage")]
    public static async Task<Page<QuotaState>> Get(string? model, QuotaBalances balances, CurrentUser currentUser, CancellationToken cancellation) =>
        new([.. (await balances.OfAsync(model, currentUser.ToModelUser(), cancellation)).Select(QuotaState.Of)], null);
}
