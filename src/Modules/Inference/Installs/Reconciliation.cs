using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.Names;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LlmPlatform.Inference.Installs;

/// <summary>Brings the files on the disk and the records together when the host starts: what no record owns goes, and what lost its file is marked.</summary>
internal sealed partial class Reconciliation(
    IInferenceStore store, ModelFiles files, InstallOptions options, TimeProvider time, ILogger<Reconciliation> logger) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await ForgetFailedAsync(cancellationToken);
        await RemoveUnfinishedAsync(cancellationToken);
        await RemoveUnownedAsync(cancellationToken);
        await MarkLostAsync(cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>An install that failed long ago gives its disk space back.</summary>
    private async Task ForgetFailedAsync(CancellationToken cancellation)
    {
        await using var session = store.LightweightSession();
        var limit = time.GetUtcNow() - options.KeepFailed;
        foreach (var install in await session.Query<Install>().Where(i => i.State == InstallState.Failed && i.CanResume && i.OverAt < limit).ToListAsync(cancellation))
        {
            session.Events.Append(install.Id, new InstallCancelled(install.Id, install.By, time.GetUtcNow()));
        }

        await session.SaveChangesAsync(cancellation);
    }

    private async Task RemoveUnfinishedAsync(CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        var wanted = await session.Query<Install>()
            .Where(i => i.State == InstallState.Queued || i.State == InstallState.Paused || (i.State == InstallState.Failed && i.CanResume))
            .Where(i => i.Key != null).Select(i => i.Key!).ToListAsync(cancellation);
        var kept = wanted.SelectMany(key => new[] { files.PartialOf(key), files.JournalOf(key) }).ToHashSet();
        foreach (var file in files.Unfinished().Where(file => !kept.Contains(file)))
        {
            LogRemoved(logger, Path.GetFileName(file));
            File.Delete(file);
        }
    }

    private async Task RemoveUnownedAsync(CancellationToken cancellation)
    {
        foreach (var digest in files.Digests())
        {
            // An install may be about to own it: it holds this lock from before the file has its name until the record is written.
            await using var session = store.LightweightSession();
            await session.LockAsync(digest, cancellation);
            var isOwned = await session.Query<Model>().AnyAsync(m => m.Digest == digest, cancellation) || await IsArrivingAsync(session, digest, cancellation);
            if (!isOwned)
            {
                LogRemoved(logger, digest);
                File.Delete(files.PathOf(digest));
            }
        }
    }

    /// <summary>A model whose file is gone or cut off says so instead of failing on every use; one whose file is back can be used again.</summary>
    private async Task MarkLostAsync(CancellationToken cancellation)
    {
        await using var session = store.LightweightSession();
        await session.LockAsync(ModelName.Lock, cancellation);
        foreach (var model in await session.Query<Model>().ToListAsync(cancellation))
        {
            var isWhole = ModelFiles.IsWhole(files.PathOf(model.Digest), model.SizeBytes);
            if (isWhole == model.Quarantine is null)
            {
                continue;
            }

            if (!isWhole)
            {
                LogLost(logger, model.Id);
            }

            session.Store(model with { Quarantine = isWhole ? null : new ModelError("model.file_lost", "The file of this model is gone or cut off; install it again, or put it back and restart.") });
        }

        await session.SaveChangesAsync(cancellation);
    }

    /// <summary>Whether an install that goes on now ended between the file's last rename and its own record.</summary>
    private async Task<bool> IsArrivingAsync(IQuerySession session, string digest, CancellationToken cancellation)
    {
        var open = await session.Query<Install>().Where(i => i.State == InstallState.Queued && i.Key != null).ToListAsync(cancellation);
        return open.Any(install => PartialFile.ReadJournal(files, install.Key!).Arrived?.Digest == digest);
    }

    [LoggerMessage(LogLevel.Error, "The file of model {Model} is gone or cut off")]
    private static partial void LogLost(ILogger logger, string model);

    [LoggerMessage(LogLevel.Warning, "Removed {File}: no record owns it")]
    private static partial void LogRemoved(ILogger logger, string file);
}
