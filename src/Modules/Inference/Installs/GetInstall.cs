using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Inference.Installs;

/// <summary>An install as its watchers see it; byte counts are null while they are not known.</summary>
public sealed record InstallDetails(
    Guid Id, string Name, string Source, InstallState State, string Phase, long CompletedBytes, long? TotalBytes, InstallError? Error, DateTimeOffset RequestedAt)
{
    internal static InstallDetails Of(Install install, Progress? progress)
    {
        var isRunning = install.State == InstallState.Queued && progress is not null;
        var phase = isRunning ? progress!.Phase : install.State.ToString().ToLowerInvariant();
        return new InstallDetails(
            install.Id,
            install.Name,
            install.Source,
            isRunning ? InstallState.Running : install.State,
            phase,
            install.SizeBytes ?? progress?.CompletedBytes ?? 0,
            install.SizeBytes ?? progress?.TotalBytes,
            install.Error,
            install.RequestedAt);
    }
}

public static class GetInstallEndpoint
{
    [WolverineGet("/api/v1/inference/installs/{id}", OperationId = "getInstall"), Authorize(Policies.Administrator)]
    [EndpointSummary("Show an install and how far it is"), Tags("Installs"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<InstallDetails> Get(Guid id, IQuerySession session, RunningInstalls running, CancellationToken cancellation)
    {
        var install = await session.LoadAsync<Install>(id, cancellation) ?? throw InstallRefusals.NotFound();
        return InstallDetails.Of(install, running.ProgressOf(id));
    }
}

public static class ListInstallsEndpoint
{
    [WolverineGet("/api/v1/inference/installs", OperationId = "listInstalls"), Authorize(Policies.Administrator)]
    [EndpointSummary("List the latest installs"), Tags("Installs")]
    public static async Task<Page<InstallDetails>> Get(IQuerySession session, RunningInstalls running, CancellationToken cancellation)
    {
        var installs = await session.Query<Install>().OrderByDescending(i => i.Id).Take(Page.MaxLimit).ToListAsync(cancellation);
        return new Page<InstallDetails>([.. installs.Select(i => InstallDetails.Of(i, running.ProgressOf(i.Id)))], null);
    }
}

internal static class InstallRefusals
{
    public static Refusal NotFound() => Refusal.NotFound("install.not_found", "There is no such install.");
}
