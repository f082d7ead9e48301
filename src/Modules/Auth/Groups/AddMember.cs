using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.Groups;

public static class AddMemberEndpoint
{
    private const int MostGroups = 100;

    [WolverinePut("/api/v1/auth/groups/{key}/members/{userId}", OperationId = "addGroupMember"), Authorize(Policies.Administrator)]
    [EndpointSummary("Put somebody into a group"), Tags("Groups"), ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(422)]
    public static async Task<(NoContent, OutgoingMessages)> Put(
        string key, Guid userId, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var (group, user) = await Membership.ReadAsync(session, key, userId, cancellation);
        if (user.Groups.Contains(key))
        {
            return (TypedResults.NoContent(), []);
        }

        if (user.Groups.Count == MostGroups)
        {
            throw new Refusal(new Error(422, "group.too_many", $"Nobody is in more than {MostGroups} groups."));
        }

        session.Events.Append(userId, new UserJoinedGroup(userId, group.Id, currentUser.Id, now));
        return (TypedResults.NoContent(), [Act.Of(currentUser.Id, "auth.group_joined", Act.User(userId), now)]);
    }
}

public static class RemoveMemberEndpoint
{
    [WolverineDelete("/api/v1/auth/groups/{key}/members/{userId}", OperationId = "removeGroupMember"), Authorize(Policies.Administrator)]
    [EndpointSummary("Take somebody out of a group"), Tags("Groups"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(NoContent, OutgoingMessages)> Delete(
        string key, Guid userId, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var (_, user) = await Membership.ReadAsync(session, key, userId, cancellation);
        if (!user.Groups.Contains(key))
        {
            return (TypedResults.NoContent(), []);
        }

        session.Events.Append(userId, new UserLeftGroup(userId, key, currentUser.Id, now));
        return (TypedResults.NoContent(), [Act.Of(currentUser.Id, "auth.group_left", Act.User(userId), now)]);
    }
}

internal static class Membership
{
    public static async Task<(Group Group, User User)> ReadAsync(IDocumentSession session, string key, Guid userId, CancellationToken cancellation)
    {
        await session.LockAsync(Group.Lock, cancellation);
        var group = await session.LoadAsync<Group>(key, cancellation) ?? throw Group.NotFound();
        var user = await session.LoadAsync<User>(userId, cancellation) ?? throw Refusal.NotFound("user.not_found", "There is no such user.");
        return (group, user);
    }
}
