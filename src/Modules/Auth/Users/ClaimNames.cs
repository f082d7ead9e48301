using LlmPlatform.SharedKernel;
using Marten;

namespace LlmPlatform.Auth.Users;

/// <summary>Claims at every start the names of those who were registered before names were claimed. Of two who look alike the older one has the name.</summary>
public sealed record ClaimNames;

public static class ClaimNamesHandler
{
    private const string Unclaimed = "where not exists (select from auth.mt_doc_nameclaim c where c.user_id = d.id) order by d.id";

    public static async Task Handle(ClaimNames _, IDocumentSession session, SubjectVault vault, MasterKey master, CancellationToken cancellation)
    {
        var claimed = new HashSet<string>(StringComparer.Ordinal); // of this session, which reads only what others have written
        foreach (var user in await session.QueryAsync<User>(Unclaimed, cancellation))
        {
            // An erased person has no name, and an old name may hold what is refused today.
            if (await vault.OpenAsync(user.Id, user.SealedName, cancellation) is { } text && DisplayName.Tidy(text) is { } name && !claimed.Overlaps(master.NameClaimIds(name)))
            {
                claimed.UnionWith(master.NameClaimIds(name));
                await session.TryClaimNameAsync(master, user.Id, name, cancellation);
            }
        }
    }
}
