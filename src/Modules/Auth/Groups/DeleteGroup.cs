using LlmPlatform.Auth.Quotas;
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

public static class DeleteGroupEndpoint
{
    [WolverineDelete("/api/v1/auth/groups/{key}", OperationId = "deleteGroup"), Authorize(Policies.Administrator)]
    [EndpointSummary("Delete a group; everybody in it leaves it"), Tags("Groups"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(NoContent, OutgoingMessages)> Delete(
        string key, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        await session.LockAsync(Group.Lock, cancellation);
        var group = await session.LoadAsync<Group>(key, cancellation) ?? throw Group.NotFound();
        session.Delete(group);
        session.Delete<Quota>(Quota.OfGroup(key));

        // Otherwise whoever makes a group of this key later would find people in it.
        foreach (var id in await session.Query<User>().Where(u => u.Groups.Contains(key)).Select(u => u.Id).ToListAsync(cancellation))
        {
            session.Events.Append(id, new UserLeftGroup(id, key, currentUser.Id, now));
        }

        return (TypedResults.NoContent(), [Act.Of(currentUser.Id, "auth.group_deleted", Act.Group(key), now)]);
    }
}
