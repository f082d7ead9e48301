using LlmPlatform.Admin.Contracts;
using LlmPlatform.Inference.Names;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Inference.Installs;

public static class CancelInstallEndpoint
{
    [WolverinePost("/api/v1/inference/installs/{id}/cancel", OperationId = "cancelInstall"), Authorize(Permissions.Models)]
    [EndpointSummary("Cancel an install and throw away what it has"), Tags("Installs"), ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(Accepted, OutgoingMessages)> Post(
        Guid id, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var stream = await session.Events.FetchForWriting<Install>(id, cancellation);
        var install = stream.Aggregate ?? throw InstallRefusals.NotFound();
        if (install is not ({ State: InstallState.Queued or InstallState.Paused } or { State: InstallState.Failed, CanResume: true }))
        {
            throw InstallRefusals.Over();
        }

        stream.AppendOne(new InstallCancelled(id, currentUser.Id, now));
        if (install.State != InstallState.Failed)
        {
            session.Delete<ModelName>(install.Name); // a failed one has given its name back
        }

        OutgoingMessages messages = [new StopInstall(id), new ActPerformed(Guid.CreateVersion7(now), currentUser.Id, "inference.install_cancelled", $"model:{install.Name}", now)];
        if (install.Key is { } key)
        {
            messages.Add(new TidyInstall(key));
        }

        return (TypedResults.Accepted($"/api/v1/inference/installs/{id}"), messages);
    }
}
