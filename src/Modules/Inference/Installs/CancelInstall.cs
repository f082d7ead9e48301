using LlmPlatform.Admin.Contracts;
using LlmPlatform.Inference.Models;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Inference.Installs;

/// <summary>Tells the node that runs an install to stop it.</summary>
public sealed record StopInstall(Guid InstallId);

public static class CancelInstallEndpoint
{
    [WolverinePost("/api/v1/inference/installs/{id}/cancel", OperationId = "cancelInstall"), Authorize(Policies.Administrator)]
    [EndpointSummary("Cancel an install"), Tags("Installs"), ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(Accepted, OutgoingMessages)> Post(
        Guid id, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var stream = await session.Events.FetchForWriting<Install>(id, cancellation);
        var install = stream.Aggregate ?? throw InstallRefusals.NotFound();
        if (install.State != InstallState.Queued)
        {
            throw new Refusal(new Error(409, "install.over", "This install is over already."));
        }

        stream.AppendOne(new InstallCancelled(id, currentUser.Id, now));
        session.Delete<ModelName>(install.Name);
        return (TypedResults.Accepted($"/api/v1/inference/installs/{id}"),
            [new StopInstall(id), new ActPerformed(Guid.CreateVersion7(now), currentUser.Id, "inference.install_cancelled", $"model:{install.Name}", now)]);
    }
}

public static class StopInstallHandler
{
    public static void Handle(StopInstall command, RunningInstalls running) => running.Stop(command.InstallId);
}
