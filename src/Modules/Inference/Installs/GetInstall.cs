using LlmPlatform.Inference.Models;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Inference.Installs;

/// <summary>An install as its watchers see it; counts are null while they are not known.</summary>
public sealed record InstallDetails(
    Guid Id, string Name, string Source, InstallState State, string Phase, long CompletedBytes, long? TotalBytes, InstallError? Error, DateTimeOffset RequestedAt)
{
    /// <summary>Over the last seconds.</summary>
    public long? BytesPerSecond { get; init; }

    /// <summary>Until the whole file is here, if it goes on like this.</summary>
    public long? SecondsLeft { get; init; }

    /// <summary>Whether another try goes on where this one ended.</summary>
    public bool CanResume { get; init; }
}

/// <summary>Puts together what is known of an install: its events, the work that runs, and the file on the disk.</summary>
public sealed class InstallOverview(RunningInstalls running, ModelFiles files)
{
    internal InstallDetails Of(Install install)
    {
        var progress = install.State == InstallState.Queued ? running.ProgressOf(install.Id) : null;
        var journal = progress is null && install is { State: not InstallState.Succeeded, Key: { } key } ? PartialFile.ReadJournal(files, key) : null;
        return new InstallDetails(
            install.Id,
            install.Name,
            install.Source,
            progress is null ? install.State : InstallState.Running,
            progress?.Phase ?? (install is { State: InstallState.Queued, IsUpload: true } ? "uploading" : install.State.ToString().ToLowerInvariant()),
            install.SizeBytes ?? progress?.CompletedBytes ?? journal?.SyncedBytes ?? 0,
            install.SizeBytes ?? progress?.TotalBytes ?? journal?.TotalBytes ?? install.Location?.SizeBytes,
            install.Error,
            install.RequestedAt)
        {
            BytesPerSecond = progress?.BytesPerSecond,
            SecondsLeft = progress?.SecondsLeft,
            CanResume = install.CanResume,
        };
    }
}

public static class GetInstallEndpoint
{
    [WolverineGet("/api/v1/inference/installs/{id}", OperationId = "getInstall"), Authorize(Permissions.Models)]
    [EndpointSummary("Show an install and how far it is"), Tags("Installs"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<InstallDetails> Get(Guid id, IQuerySession session, InstallOverview overview, CancellationToken cancellation) =>
        overview.Of(await session.LoadAsync<Install>(id, cancellation) ?? throw InstallRefusals.NotFound());
}

public static class ListInstallsEndpoint
{
    [WolverineGet("/api/v1/inference/installs", OperationId = "listInstalls"), Authorize(Permissions.Models)]
    [EndpointSummary("List installs, the latest first"), Tags("Installs"), ProducesResponseType<ProblemDetails>(400)]
    public static async Task<Page<InstallDetails>> Get(string? cursor, int? limit, IQuerySession session, InstallOverview overview, CancellationToken cancellation)
    {
        var size = Page.Limit(limit);
        IQueryable<Install> installs = session.Query<Install>();
        if (Page.Key(cursor) is { } key)
        {
            var last = Guid.TryParse(key, out var id) ? id : throw Refusal.BadParam("cursor", "'cursor' is not one that this list gave out.", "param.cursor");
            installs = installs.Where(i => i.Id < last);
        }

        var page = Page.Of(await installs.OrderByDescending(i => i.Id).Take(size + 1).ToListAsync(cancellation), size, i => i.Id.ToString());
        return new Page<InstallDetails>([.. page.Items.Select(overview.Of)], page.NextCursor);
    }
}

internal static class InstallRefusals
{
    public static Refusal NotFound() => Refusal.NotFound("install.not_found", "There is no such install.");

    public static Refusal Over() => new(new Error(409, "install.over", "This install is over already."));
}
