using LlmPlatform.Inference.Models;
using Marten;
using Wolverine.Attributes;

namespace LlmPlatform.Inference.Installs;

/// <summary>Removes an unfinished file that no install wants any more.</summary>
public sealed record TidyInstall(string Key);

public static class TidyInstallHandler
{
    private const int OneDay = 24 * 60 * 60; // whoever works on the file now may do so for hours

    [MessageTimeout(OneDay)]
    public static async Task Handle(TidyInstall command, IQuerySession session, RunningInstalls running, ModelFiles files, CancellationToken cancellation)
    {
        using var turn = await running.TakeTurnAsync(command.Key, null, cancellation);
        if (!await session.WantsAsync(command.Key, cancellation))
        {
            PartialFile.Delete(files, command.Key);
        }
    }

    /// <summary>Whether an install goes on with this file, or may.</summary>
    internal static Task<bool> WantsAsync(this IQuerySession session, string key, CancellationToken cancellation) =>
        session.Query<Install>().AnyAsync(
            i => i.Key == key && (i.State == InstallState.Queued || i.State == InstallState.Paused || (i.State == InstallState.Failed && i.CanResume)), cancellation);
}
