using LlmPlatform.Auth.Contracts;
using Marten;

namespace LlmPlatform.Inference.Quotas;

/// <summary>What a person used, month by month.</summary>
internal sealed class UsagePersonalData(IInferenceStore store) : IPersonalData
{
    public async Task<IReadOnlyList<PersonalFile>> ExportAsync(Guid userId, CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        var bills = await session.Query<Bill>().Where(bill => bill.UserId == userId).OrderBy(bill => bill.Month).ToListAsync(cancellation);
        return [PersonalFile.Of("inference/usage.json", bills.Select(bill => new { bill.Month, bill.Lines }))];
    }
}
