using LlmPlatform.Inference.Models;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Inference.Presets;

public static class DeletePresetEndpoint
{
    [WolverineDelete("/api/v1/inference/presets/{name}", OperationId = "deletePreset"), Authorize(Permissions.Models)]
    [EndpointSummary("Delete a preset; with cascade, also its aliases"), Tags("Presets"), ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(NoContent, OutgoingMessages)> Delete(
        string name, bool? cascade, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        if (await session.LoadAsync<Preset>(name, cancellation) is null)
        {
            throw ModelRefusals.NotFound(name);
        }

        return (TypedResults.NoContent(), await Deletion.ApplyAsync(session, Guid.CreateVersion7(now), name, cascade ?? false, currentUser.Id, now, cancellation));
    }
}
