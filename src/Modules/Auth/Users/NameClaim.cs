using System.Security.Cryptography;
using LlmPlatform.SharedKernel;
using Marten;

namespace LlmPlatform.Auth.Users;

/// <summary>Holds a name for one user: the id is the blind index of one of its skeletons, so of all names that look alike one is taken, once.</summary>
public sealed record NameClaim(string Id, Guid UserId);

internal static class NameClaims
{
    private const int CountedTries = 20;

    /// <summary>Takes a name for somebody in the unit of work, gives back the one they had, and answers with the name as it is to be shown.</summary>
    /// <exception cref="Refusal"><c>name.invalid</c>, <c>name.taken</c></exception>
    public static async Task<string> ClaimNameAsync(this IDocumentSession session, MasterKey master, Guid userId, string wanted, CancellationToken cancellation)
    {
        var name = Tidy(wanted);
        return await session.TryClaimNameAsync(master, userId, name, cancellation)
            ? name
            : throw new Refusal(new Error(409, "name.taken", "Somebody has this name, or one that looks like it.", "name"));
    }

    /// <summary>Takes a name for somebody, with a number behind it where it is taken. For those whom nobody can ask for another.</summary>
    public static async Task<string> ClaimFreeNameAsync(this IDocumentSession session, MasterKey master, Guid userId, string wanted, CancellationToken cancellation)
    {
        var name = Tidy(wanted);
        var stem = name[..Math.Min(name.Length, DisplayName.Longest - 12)].TrimEnd();
        for (var number = 2; !await session.TryClaimNameAsync(master, userId, name, cancellation); number++)
        {
            name = $"{stem} {(number <= CountedTries ? number : RandomNumberGenerator.GetInt32(CountedTries, int.MaxValue))}";
        }

        return name;
    }

    /// <summary>Takes a name that somebody already has, or answers false where somebody else has it too.</summary>
    public static async Task<bool> TryClaimNameAsync(this IDocumentSession session, MasterKey master, Guid userId, string name, CancellationToken cancellation)
    {
        var ids = master.NameClaimIds(name);
        foreach (var id in ids.Order(StringComparer.Ordinal)) // everybody waits in one order, so nobody waits for ever
        {
            await session.LockAsync($"auth:name:{id}", cancellation);
        }

        var known = await session.LoadManyAsync<NameClaim>(cancellation, ids);
        if (known.Any(claim => claim.UserId != userId))
        {
            return false;
        }

        session.DeleteWhere<NameClaim>(c => c.UserId == userId && !c.Id.IsOneOf(ids));
        session.Insert<NameClaim>([.. ids.Except(known.Select(claim => claim.Id)).Select(id => new NameClaim(id, userId))]);
        return true;
    }

    private static string Tidy(string name) => DisplayName.Tidy(name) ?? throw Refusal.BadParam("name", UserRules.BadName, "name.invalid");
}
