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

public static class ResumeInstallEndpoint
{
    [WolverinePost("/api/v1/inference/installs/{id}/resume", OperationId = "resumeInstall"), Authorize(Permissions.Models)]
    [EndpointSummary("Go on with an install that was paused"), Tags("Installs"), ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(Accepted, OutgoingMessages)> Post(
        Guid id, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var stream = await session.Events.FetchForWriting<Install>(id, cancellation);
        var install = stream.Aggregate ?? throw InstallRefusals.NotFound();
        return install.State switch
        {
            InstallState.Queued => (Queue.Accepted(id), [Queue.NextOf(install)]), // should its message be lost
            InstallState.Paused => (Queue.Accepted(id), Queue.Append(stream, install, currentUser, now)),
            InstallState.Failed => throw new Refusal(new Error(409, "install.failed", "This install has failed; it can be tried again with 'retry'.")),
            _ => throw InstallRefusals.Over(),
        };
    }
}

public static class RetryInstallEndpoint
{
    [WolverinePost("/api/v1/inference/installs/{id}/retry", OperationId = "retryInstall"), Authorize(Permissions.Models)]
    [EndpointSummary("Try an install that failed once more, from where it ended if that is of use"), Tags("Installs"), ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(Accepted, OutgoingMessages)> Post(
        Guid id, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        if (await session.LoadAsync<Install>(id, cancellation) is not { } known)
        {
            throw InstallRefusals.NotFound();
        }

        await session.LockAsync(ModelName.Lock, cancellation);
        var stream = await session.Events.FetchForWriting<Install>(id, cancellation);
        var install = stream.Aggregate!;
        if (install.State == InstallState.Queued)
        {
            return (Queue.Accepted(id), []);
        }

        if (install.State != InstallState.Failed)
        {
            throw install.State == InstallState.Paused
                ? new Refusal(new Error(409, "install.paused", "This install is paused; it goes on with 'resume'."))
                : InstallRefusals.Over();
        }

        if (await session.LoadAsync<ModelName>(install.Name, cancellation) is not null)
        {
            throw NameRefusals.Taken(install.Name);
        }

        session.Insert(new ModelName { Id = install.Name, InstallId = id, CreatedAt = now });
        return (Queue.Accepted(id), Queue.Append(stream, install, currentUser, now));
    }
}

/// <summary>Installs go back into the queue.</summary>
internal static class Queue
{
    /// <summary>What is to be done for an install that waits. Asked for twice, it is done once.</summary>
    public static object NextOf(Install install) => install.Location is null ? new LocateInstall(install.Id) : new RunInstall(install.Id);

    public static Accepted Accepted(Guid id) => TypedResults.Accepted($"/api/v1/inference/installs/{id}");

    public static OutgoingMessages Append(JasperFx.Events.IEventStream<Install> stream, Install install, CurrentUser currentUser, DateTimeOffset now)
    {
        stream.AppendOne(new InstallResumed(install.Id, currentUser.Id, now));
        return
        [
            NextOf(install),
            new ActPerformed(Guid.CreateVersion7(now), currentUser.Id, "inference.install_resumed", $"model:{install.Name}", now),
        ];
    }
}
