using LlmPlatform.Admin.Audit;
using LlmPlatform.Auth.Contracts;

namespace LlmPlatform.Admin.PersonalData;

/// <summary>What the audit trail says of a person: what they did, and what was done to them. Entries hold ids alone, so erasing somebody changes none.</summary>
internal sealed class AuditPersonalData(IAdminStore store) : IPersonalData
{
    private const int PageSize = 1000;

    public async Task<IReadOnlyList<PersonalFile>> ExportAsync(Guid userId, CancellationToken cancellation) =>
    [
        await FileAsync("acts", new AuditFilter(null, null, userId, null), cancellation),
        await FileAsync("acts-upon-you", new AuditFilter(null, null, null, $"user:{userId}"), cancellation),
    ];

    private async Task<PersonalFile> FileAsync(string name, AuditFilter filter, CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        var found = new List<object>();
        IReadOnlyList<AuditEntry> page;
        do
        {
            page = await AuditTrail.ListAsync(session, filter, PageSize, cancellation);
            found.AddRange(page.Select(entry => new { entry.At, entry.Action, entry.Target }));
            filter = filter with { Before = page is [.., var last] ? last.Seq : null };
        }
        while (page.Count == PageSize);

        return PersonalFile.Of($"admin/{name}.json", found);
    }
}
