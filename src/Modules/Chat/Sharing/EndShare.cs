using LlmPlatform.Admin.Contracts;
using LlmPlatform.Auth.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Chat.Sharing;

public static class EndShareEndpoint
{
    [WolverineDelete("/api/v1/chat/shares/{shareId}", OperationId = "endShare"), Authorize]
    [EndpointSummary("End a share"), Tags("Sharing"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(NoContent, OutgoingMessages)> Delete(
        Guid shareId, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var share = await session.LoadAsync<Share>(shareId, cancellation) is { } found && found.OwnerId == currentUser.Id ? found : throw Share.NotFound();
        session.Delete(share);
        ShareViews.Forget(session, share);
        return (TypedResults.NoContent(), [new ActPerformed(Guid.CreateVersion7(now), currentUser.Id, "chat.share_ended", share.Target, now)]);
    }
}

/// <summary>Nothing of an erased person can be shown any more, so nothing is left to be looked for either.</summary>
public static class EndSharesHandler
{
    public static async Task<OutgoingMessages> Handle(UserErased e, IDocumentSession session, DateTimeOffset now, CancellationToken cancellation)
    {
        var ended = new OutgoingMessages();
        foreach (var share in await session.Query<Share>().Where(share => share.OwnerId == e.UserId).ToListAsync(cancellation))
        {
            session.Delete(share);
            ShareViews.Forget(session, share);
            ended.Add(new ActPerformed(Guid.CreateVersion7(now), Guid.Empty, "chat.share_ended", share.Target, now));
        }

        return ended;
    }
}
