using Marten;
using Wolverine;

namespace LlmPlatform.Inference.Installs;

/// <summary>Finds out where the file of an install is, by asking the hub or a registry.</summary>
public sealed record LocateInstall(Guid InstallId);

public static class LocateInstallHandler
{
    public static async Task<OutgoingMessages> Handle(
        LocateInstall command, IDocumentSession session, Installer installer, RunningInstalls running, TimeProvider time, CancellationToken cancellation)
    {
        var install = await session.LoadAsync<Install>(command.InstallId, cancellation);
        if (install is not { State: InstallState.Queued, Location: null })
        {
            return [];
        }

        using var run = running.Begin(install.Id, cancellation);
        try
        {
            var location = await installer.FindAsync(install, run.Progress, run.Token);
            var stream = await session.Events.FetchForWriting<Install>(install.Id, cancellation);
            if (stream.Aggregate is not { State: InstallState.Queued, Location: null })
            {
                return [];
            }

            stream.AppendOne(new InstallLocated(install.Id, location, time.GetUtcNow()));
            return [new RunInstall(install.Id)];
        }
        catch (InstallException failure)
        {
            return await InstallEnds.FailAsync(session, install, failure, time.GetUtcNow(), cancellation);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested && !running.AreStopping)
        {
            return await InstallEnds.StoppedAsync(session, install, cancellation);
        }
    }
}
