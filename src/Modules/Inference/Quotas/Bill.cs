using LlmPlatform.SharedKernel;
using Marten.Events.Projections;

namespace LlmPlatform.Inference.Quotas;

public sealed record UsageRecorded(
    Guid RequestId,
    Guid UserId,
    Guid? ApiKeyId,
    IReadOnlyList<string> Groups,
    string Model,
    int Requests,
    int PromptTokens,
    int CachedTokens,
    int CompletionTokens,
    int PriceVersion,
    string? Currency,
    decimal Cost,
    DateTimeOffset At);

/// <summary>What one model was used for by one key, or without a key, at one price. Price version 0 is no price.</summary>
public sealed record BillLine(
    string Model, Guid? ApiKeyId, int PriceVersion, string? Currency, long Requests, long PromptTokens, long CachedTokens, long CompletionTokens, decimal Cost)
{
    internal bool IsFor(UsageRecorded e) => (Model, ApiKeyId, PriceVersion) == (e.Model, e.ApiKeyId, e.PriceVersion);

    internal BillLine With(UsageRecorded e) => this with
    {
        Requests = Requests + e.Requests,
        PromptTokens = PromptTokens + e.PromptTokens,
        CachedTokens = CachedTokens + e.CachedTokens,
        CompletionTokens = CompletionTokens + e.CompletionTokens,
        Cost = Cost + e.Cost,
    };
}

/// <summary>What somebody used in a month of UTC. It is made of the recorded usage alone and can be made again from it at any time.</summary>
public sealed record Bill
{
    /// <summary>User and month: <c>0192…:2026-11</c>.</summary>
    public required string Id { get; init; }

    public required Guid UserId { get; init; }

    public required string Month { get; init; }

    public IReadOnlyList<BillLine> Lines { get; init; } = [];

    public static string IdOf(Guid user, string month) => $"{user:n}:{month}";
}

public sealed partial class BillProjection : MultiStreamProjection<Bill, string>
{
    public BillProjection() => Identity<UsageRecorded>(e => Bill.IdOf(e.UserId, Month.Of(e.At)));

    public static Bill Create(UsageRecorded e) => Apply(e, new Bill { Id = Bill.IdOf(e.UserId, Month.Of(e.At)), UserId = e.UserId, Month = Month.Of(e.At) });

    public static Bill Apply(UsageRecorded e, Bill bill)
    {
        var line = bill.Lines.FirstOrDefault(l => l.IsFor(e)) ?? new BillLine(e.Model, e.ApiKeyId, e.PriceVersion, e.Currency, 0, 0, 0, 0, 0);
        return bill with { Lines = [.. bill.Lines.Where(l => !l.IsFor(e)), line.With(e)] };
    }
}
