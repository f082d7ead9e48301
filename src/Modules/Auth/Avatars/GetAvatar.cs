using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.Avatars;

public static class GetMyAvatarEndpoint
{
    [WolverineGet("/api/v1/auth/me/avatar", OperationId = "getMyAvatar"), Authorize]
    [EndpointSummary("Show your picture, 256 pixels square in WebP"), Tags("Users"), ProducesResponseType(200), ProducesResponseType<ProblemDetails>(404)]
    public static Task<FileContentHttpResult> Get(IQuerySession session, CurrentUser currentUser, CancellationToken cancellation) =>
        GetAvatarEndpoint.ReadAsync(session, currentUser.Id, cancellation);
}

public static class GetAvatarEndpoint
{
    [WolverineGet("/api/v1/auth/users/{id}/avatar", OperationId = "getAvatar"), Authorize]
    [EndpointSummary("Show somebody's picture, 256 pixels square in WebP"), Tags("Users"), ProducesResponseType(200), ProducesResponseType<ProblemDetails>(404)]
    public static Task<FileContentHttpResult> Get(Guid id, IQuerySession session, CancellationToken cancellation) => ReadAsync(session, id, cancellation);

    internal static async Task<FileContentHttpResult> ReadAsync(IQuerySession session, Guid userId, CancellationToken cancellation) =>
        await AvatarTable.FindAsync(session, userId, cancellation) is { } image
            ? TypedResults.File(image, AvatarPictures.ContentType)
            : throw Refusal.NotFound("avatar.not_found", "There is no picture of this person.");
}

public static class DeleteAvatarEndpoint
{
    [WolverineDelete("/api/v1/auth/me/avatar", OperationId = "deleteAvatar"), Authorize]
    [EndpointSummary("Delete your picture"), Tags("Users")]
    public static (NoContent, OutgoingMessages) Delete(IDocumentSession session, CurrentUser currentUser, DateTimeOffset now)
    {
        AvatarTable.Delete(session, currentUser.Id);
        return (TypedResults.NoContent(), [Act.Of(currentUser.Id, "auth.avatar_deleted", Act.User(currentUser.Id), now)]);
    }
}
