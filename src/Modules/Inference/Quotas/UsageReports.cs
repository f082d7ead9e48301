using LlmPlatform.Inference.Contracts;
using Marten;

namespace LlmPlatform.Inference.Quotas;

internal sealed class UsageReports(IInferenceStore store) : IUsageReports
{
    public async Task<IReadOnlyList<MonthlyUsage>> ListAsync(string month, Guid? after, int most, CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        var bills = session.Query<Bill>().Where(b => b.Month == month);
        if (after is { } last)
        {
            bills = bills.Where(b => b.Id.CompareTo(Bill.IdOf(last, month)) > 0);
        }

        return [.. (await bills.OrderBy(b => b.Id).Take(most).ToListAsync(cancellation)).Select(Sum)];
    }

    private static MonthlyUsage Sum(Bill bill) => new(
        bill.UserId,
        bill.Lines.Sum(l => l.Requests),
        bill.Lines.Sum(l => l.PromptTokens),
        bill.Lines.Sum(l => l.CachedTokens),
        bill.Lines.Sum(l => l.CompletionTokens),
        bill.Lines.Where(l => l.Currency is not null).GroupBy(l => l.Currency!).ToDictionary(c => c.Key, c => c.Sum(l => l.Cost)));
}
