using LlmPlatform.Admin.Contracts;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.Names;
using LlmPlatform.SharedKernel;
using Marten;
using Wolverine;
using Wolverine.Attributes;

namespace LlmPlatform.Inference.Installs;

/// <summary>Brings the file of an install in. It may run again after a crash, and then goes on where the file on the disk ends.</summary>
public sealed record RunInstall(Guid InstallId);

public static class RunInstallHandler
{
    private const int OneDay = 24 * 60 * 60;

    [MessageTimeout(OneDay)]
    public static async Task<OutgoingMessages> Handle(
        RunInstall command, IDocumentSession session, Installer installer, RunningInstalls running, ModelFiles files, TimeProvider time, CancellationToken cancellation)
    {
        using var run = running.Begin(command.InstallId, cancellation); // before the state is looked at, so that who changes it finds this to stop
        var install = await session.LoadAsync<Install>(command.InstallId, cancellation);
        if (install is not { State: InstallState.Queued, Location: { } location } || !files.HasAllOf(install))
        {
            return [];
        }

        try
        {
            using var turn = await running.TakeTurnAsync(location.Key, run, run.Token);
            if (await session.LoadAsync<Install>(command.InstallId, cancellation) is not { State: InstallState.Queued })
            {
                return []; // whoever had the turn before was this install itself, asked for twice
            }

            var arrived = await FindSameAsync(session, files, location, cancellation) ?? await installer.BringAsync(location, run.Progress, run.Token);
            return await FinishAsync(session, install, location, arrived, files, time.GetUtcNow(), cancellation);
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

    /// <summary>The file is here already, as that of another model.</summary>
    private static async Task<ArrivedFile?> FindSameAsync(IDocumentSession session, ModelFiles files, FileLocation location, CancellationToken cancellation)
    {
        var same = location.Digest is null ? null : await session.Query<Model>().FirstOrDefaultAsync(m => m.Digest == location.Digest, cancellation);
        return same is not null && ModelFiles.IsWhole(files.PathOf(same.Digest), same.SizeBytes)
            ? new ArrivedFile(same.Digest, same.SizeBytes, same.Architecture, same.Parameters, same.ContextTokens, same.HasChatTemplate)
            {
                Licence = same.Licence,
                Quantisation = same.Quantisation,
                IsEmbedder = same.IsEmbedder,
            }
            : null;
    }

    private static async Task<OutgoingMessages> FinishAsync(
        IDocumentSession session, Install install, FileLocation location, ArrivedFile file, ModelFiles files, DateTimeOffset now, CancellationToken cancellation)
    {
        // Nobody may remove the last model of this digest, and with it the file, between here and the commit.
        await session.LockAsync(file.Digest, cancellation);
        var stream = await session.Events.FetchForWriting<Install>(install.Id, cancellation);
        if (stream.Aggregate is not { State: InstallState.Queued })
        {
            return [new TidyInstall(location.Key)];
        }

        if (!ModelFiles.IsWhole(files.PathOf(file.Digest), file.SizeBytes))
        {
            if (PartialFile.ReadJournal(files, location.Key).Arrived?.Digest != file.Digest || !ModelFiles.IsWhole(files.PartialOf(location.Key), file.SizeBytes))
            {
                return [new RunInstall(install.Id)]; // the model that had this file was deleted in between
            }

            await files.KeepAsync(location.Key, file.Digest, cancellation);
        }

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
            Source = install.Source,
            Licence = file.Licence,
            Quantisation = file.Quantisation,
            IsEmbedder = file.IsEmbedder,
        });
        await HealAsync(session, file.Digest, cancellation);
        return
        [
            new ModelInstalled(install.Id, install.Name, file.Digest, file.SizeBytes, file.Architecture, file.Parameters, file.ContextTokens, install.By, now)
            {
                Source = install.Source,
                Licence = file.Licence,
                Quantisation = file.Quantisation,
                IsEmbedder = file.IsEmbedder,
            },
            new ActPerformed(Guid.CreateVersion7(now), install.By, "inference.model_installed", $"model:{install.Name}", now),
            new TidyInstall(location.Key),
        ];
    }

    /// <summary>Models that had lost this file have it again.</summary>
    private static async Task HealAsync(IDocumentSession session, string digest, CancellationToken cancellation)
    {
        if (!await session.Query<Model>().AnyAsync(m => m.Digest == digest && m.Quarantine != null, cancellation))
        {
            return;
        }

        await session.LockAsync(ModelName.Lock, cancellation); // or a change of their rights could be lost
        foreach (var healed in await session.Query<Model>().Where(m => m.Digest == digest && m.Quarantine != null).ToListAsync(cancellation))
        {
            session.Store(healed with { Quarantine = null });
        }
    }
}

internal static class InstallEnds
{
    public static async Task<OutgoingMessages> FailAsync(
        IDocumentSession session, Install install, InstallException failure, DateTimeOffset now, CancellationToken cancellation)
    {
        var stream = await session.Events.FetchForWriting<Install>(install.Id, cancellation);
        if (stream.Aggregate is not { State: InstallState.Queued })
        {
            return [];
        }

        stream.AppendOne(new InstallFailed(install.Id, failure.Code, failure.Message, now) { CanResume = failure.CanResume });
        session.Delete<ModelName>(install.Name);
        OutgoingMessages messages = [new ActPerformed(Guid.CreateVersion7(now), install.By, "inference.install_failed", $"model:{install.Name}", now)];
        if (install.Key is { } key)
        {
            messages.Add(new TidyInstall(key));
        }

        return messages;
    }

    /// <summary>Somebody stopped the work and recorded why; who wanted it to go on again in the meantime is not forgotten.</summary>
    public static async Task<OutgoingMessages> StoppedAsync(IDocumentSession session, Install install, CancellationToken cancellation)
    {
        var state = await session.Query<Install>().Where(i => i.Id == install.Id).Select(i => i.State).FirstOrDefaultAsync(cancellation);
        return state == InstallState.Queued ? [Queue.NextOf(install)] : [];
    }
}
