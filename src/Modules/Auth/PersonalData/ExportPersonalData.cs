using LlmPlatform.Auth.Users;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Auth.PersonalData;

public static class ExportMeEndpoint
{
    [WolverineGet("/api/v1/auth/me/export", OperationId = "exportMe"), Authorize]
    [EndpointSummary("Get everything that is kept of you, as a zip file"), Tags("Users"), Produces("application/zip")]
    public static async Task<(IResult, OutgoingMessages)> Get(
        IDocumentSession session, PersonalArchive archive, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation) =>
        await session.LoadAsync<User>(currentUser.Id, cancellation) is null
            ? throw Refusal.Unauthenticated() // erased a moment ago
            : (await archive.PackAsync(currentUser.Id, now, cancellation), [Act.Of(currentUser.Id, "auth.user_exported", Act.User(currentUser.Id), now)]);
}

public static class ExportUserEndpoint
{
    [WolverineGet("/api/v1/auth/users/{id}/export", OperationId = "exportUser"), Authorize(Policies.Administrator)]
    [EndpointSummary("Get everything that is kept of somebody, as a zip file"), Tags("Users"), Produces("application/zip"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(IResult, OutgoingMessages)> Get(
        Guid id, IDocumentSession session, PersonalArchive archive, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation) =>
        await session.LoadAsync<User>(id, cancellation) is null
            ? throw Refusal.NotFound("user.not_found", "There is no such user.")
            : (await archive.PackAsync(id, now, cancellation), [Act.Of(currentUser.Id, "auth.user_exported", Act.User(id), now)]);
}
