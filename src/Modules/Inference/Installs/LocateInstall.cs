using Marten;
using Wolverine;
using Wolverine.Attributes;

namespace LlmPlatform.Inference.Installs;

/// <summary>Finds out where the file of an install is, by asking the hub or a registry.</summary>
public sealed record LocateInstall(Guid InstallId);

public static class LocateInstallHandler
{
    // A hub that does not answer is asked several times before this fails by itself.
    private const int TenMinutes = 10 * 60;

    [MessageTimeout(TenMinutes)]
    public static async Task<OutgoingMessages> Handle(
        LocateInstall command, IDocumentSession session, Installer installer, RunningInstalls running, TimeProvider time, CancellationToken cancellation)
    {
        using var run = running.Begin(command.InstallId, cancellation); // before the state is looked at, so that who changes it finds this to stop
        var install = await session.LoadAsync<Install>(command.InstallId, cancellation);
        if (install is not { State: InstallState.Queued, Location: null })
        {
            return [];
        }

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
