using LlmPlatform.Admin.Contracts;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Models;
using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;
using Wolverine.Attributes;

namespace LlmPlatform.Inference.Installs;

/// <summary>Brings the file of an install in. It may run again after a crash: everything before the last transaction is thrown away and redone.</summary>
public sealed record RunInstall(Guid InstallId);

public static class RunInstallHandler
{
    private const int OneDay = 24 * 60 * 60;

    [MessageTimeout(OneDay)]
    public static async Task<OutgoingMessages> Handle(
        RunInstall command, IDocumentSession session, Installer installer, RunningInstalls running, ModelFiles files, TimeProvider time, CancellationToken cancellation)
    {
        var install = await session.LoadAsync<Install>(command.InstallId, cancellation);
        if (install is not { State: InstallState.Queued })
        {
            return [];
        }

        try
        {
            var arrived = await running.RunAsync(install.Id, (progress, stop) => installer.BringAsync(install, progress, stop), cancellation);
            return await FinishAsync(session, install, arrived, files, time.GetUtcNow(), cancellation);
        }
        catch (InstallException failure)
        {
            return await FailAsync(session, install, failure, time.GetUtcNow(), cancellation);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return []; // cancelled by somebody, who recorded it
        }
        finally
        {
            File.Delete(files.PartialOf(install.Id));
        }
    }

    private static async Task<OutgoingMessages> FinishAsync(
        IDocumentSession session, Install install, ArrivedFile file, ModelFiles files, DateTimeOffset now, CancellationToken cancellation)
    {
        // Nobody may remove the last model of this digest, and with it the file, between here and the commit.
        await session.LockAsync(file.Digest, cancellation);
        var stream = await session.Events.FetchForWriting<Install>(install.Id, cancellation);
        if (stream.Aggregate is not { State: InstallState.Queued })
        {
            return [];
        }

        Installer.Keep(files.PartialOf(install.Id), files.PathOf(file.Digest));
        stream.AppendOne(new InstallSucceeded(install.Id, file.Digest, file.SizeBytes, now));
        session.Insert(new Model
        {
            Id = install.Name,
            Digest = file.Digest,
            SizeBytes = file.SizeBytes,
            Architecture = file.Architecture,
            Parameters = file.Parameters,
            ContextTokens = file.ContextTokens,
            HasChatTemplate = file.HasChatTemplate,
            InstalledBy = install.By,
            InstalledAt = now,
        });
        return
        [
            new ModelInstalled(install.Id, install.Name, file.Digest, file.SizeBytes, file.Architecture, file.Parameters, file.ContextTokens, install.By, now),
            new ActPerformed(Guid.CreateVersion7(now), install.By, "inference.model_installed", $"model:{install.Name}", now),
        ];
    }

    private static async Task<OutgoingMessages> FailAsync(
        IDocumentSession session, Install install, InstallException failure, DateTimeOffset now, CancellationToken cancellation)
    {
        var stream = await session.Events.FetchForWriting<Install>(install.Id, cancellation);
        if (stream.Aggregate is not { State: InstallState.Queued })
        {
            return [];
        }

        stream.AppendOne(new InstallFailed(install.Id, failure.Code, failure.Message, now));
        session.Delete<ModelName>(install.Name);
        return [new ActPerformed(Guid.CreateVersion7(now), install.By, "inference.install_failed", $"model:{install.Name}", now)];
    }
}
