using LlmPlatform.Admin.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Inference.Installs;

/// <summary>Tells the node that works on an install to stop; what it has stays.</summary>
public sealed record StopInstall(Guid InstallId);

public static class PauseInstallEndpoint
{
    [WolverinePost("/api/v1/inference/installs/{id}/pause", OperationId = "pauseInstall"), Authorize(Permissions.Models)]
    [EndpointSummary("Let an install wait until it is resumed"), Tags("Installs"), ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(Accepted, OutgoingMessages)> Post(
        Guid id, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var stream = await session.Events.FetchForWriting<Install>(id, cancellation);
        var install = stream.Aggregate ?? throw InstallRefusals.NotFound();
        var accepted = TypedResults.Accepted($"/api/v1/inference/installs/{id}");
        switch (install.State)
        {
            case InstallState.Paused:
                return (accepted, []);
            case InstallState.Queued:
                stream.AppendOne(new InstallPaused(id, currentUser.Id, now));
                return (accepted, [new StopInstall(id), new ActPerformed(Guid.CreateVersion7(now), currentUser.Id, "inference.install_paused", $"model:{install.Name}", now)]);
            default:
                throw InstallRefusals.Over();
        }
    }
}

public static class StopInstallHandler
{
    public static async Task Handle(StopInstall command, IQuerySession session, RunningInstalls running, CancellationToken cancellation)
    {
        // It may have been resumed before this came.
        if (await session.LoadAsync<Install>(command.InstallId, cancellation) is not { State: InstallState.Queued })
        {
            running.Stop(command.InstallId);
        }
    }
}
