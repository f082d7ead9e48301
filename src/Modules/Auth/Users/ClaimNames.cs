using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;

namespace LlmPlatform.Auth.Users;

/// <summary>Claims at every start the names of those who were registered before names were claimed. Of two who look alike the older one has the name.</summary>
/// <param name="After">The last person that was looked at; one message looks at five hundred, because each claim holds locks until it is committed.</param>
public sealed record ClaimNames(Guid After);

public static class ClaimNamesHandler
{
    private const int Batch = 500;
    private const string Unclaimed = "where d.id > ? and not exists (select from auth.mt_doc_nameclaim c where c.user_id = d.id) order by d.id limit ?";

    public static async Task<OutgoingMessages> Handle(ClaimNames command, IDocumentSession session, SubjectVault vault, MasterKey master, CancellationToken cancellation)
    {
        var users = await session.QueryAsync<User>(Unclaimed, cancellation, command.After, Batch);
        var claimed = new HashSet<string>(StringComparer.Ordinal); // of this session, which reads only what others have written
        foreach (var user in users)
        {
            // An erased person has no name, and an old name may hold what is refused today.
            if (await vault.OpenAsync(user.Id, user.SealedName, cancellation) is { } text && DisplayName.Tidy(text) is { } name && !claimed.Overlaps(master.NameClaimIds(name)))
            {
                claimed.UnionWith(master.NameClaimIds(name));
                await session.TryClaimNameAsync(master, user.Id, name, cancellation);
            }
        }

        return users.Count == Batch ? [new ClaimNames(users[^1].Id)] : [];
    }
}
