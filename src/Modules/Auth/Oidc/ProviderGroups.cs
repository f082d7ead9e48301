using LlmPlatform.Auth.Groups;
using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;

namespace LlmPlatform.Auth.Oidc;

/// <summary>Brings somebody's groups and role in line with what the provider says, at each sign-in. What no setting names is left alone.</summary>
internal static class ProviderGroups
{
    public static async Task<AccountLink> ApplyAsync(
        IReadOnlyList<string> theirs,
        User user,
        AccountLink link,
        OidcSettings settings,
        IDocumentSession session,
        OutgoingMessages messages,
        DateTimeOffset now,
        CancellationToken cancellation)
    {
        // Several groups there may mean the same one here.
        var wanted = settings.Groups.Where(group => theirs.Contains(group.Key)).Select(group => group.Value).ToHashSet(StringComparer.Ordinal);
        foreach (var key in settings.Groups.Values.Distinct())
        {
            if (wanted.Contains(key) && !user.Groups.Contains(key) && await session.LoadAsync<Group>(key, cancellation) is not null)
            {
                session.Events.Append(user.Id, new UserJoinedGroup(user.Id, key, user.Id, now));
                messages.Add(Act.Of(user.Id, "auth.group_joined", Act.User(user.Id), now));
            }
            else if (!wanted.Contains(key) && user.Groups.Contains(key))
            {
                session.Events.Append(user.Id, new UserLeftGroup(user.Id, key, user.Id, now));
                messages.Add(Act.Of(user.Id, "auth.group_left", Act.User(user.Id), now));
            }
        }

        if (settings.AdministratorGroups.Count == 0)
        {
            return link;
        }

        var administers = settings.AdministratorGroups.Intersect(theirs).Any();
        if (administers && user.Role != Roles.Administrator)
        {
            Change(Roles.Administrator);
            return link with { MadeAdministrator = true };
        }

        if (!administers && link.MadeAdministrator && user.Role == Roles.Administrator)
        {
            await session.LockAsync(Administrators.Lock, cancellation);
            if (await Administrators.HasOtherAsync(session, user.Id, cancellation))
            {
                Change(Roles.User);
                return link with { MadeAdministrator = false };
            }
        }

        return link;

        void Change(string role)
        {
            session.Events.Append(user.Id, new UserRoleChanged(user.Id, role, user.Id, now));
            messages.Add(Act.Of(user.Id, "auth.user_role_changed", Act.User(user.Id), now));
        }
    }
}
