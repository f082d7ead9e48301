using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Workers;
using Marten;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace LlmPlatform.Inference.Models;

/// <summary>Makes what runs follow what is written down: a pinned model is loaded and kept, another one may go again.</summary>
public sealed record PinModel(string Name);

public static class PinModelHandler
{
    public static async Task Handle(PinModel command, IQuerySession session, WorkerPool workers, CancellationToken cancellation)
    {
        var model = await session.LoadAsync<Model>(command.Name, cancellation);
        if (model is { Quarantine: null } && (await session.SettingsOfAsync(model, cancellation)).Pinned == true)
        {
            workers.Pin(model.ToInstalled());
            await workers.TryLoadAsync(model.ToInstalled(), cancellation);
        }
        else
        {
            workers.Unpin(command.Name);
        }
    }
}

/// <summary>
/// Loads the pinned models when the host starts, and those again that have lost their worker. What is pinned is read anew each time, so that
/// whatever was missed between a change and its message is made good.
/// </summary>
internal sealed partial class PinnedModels(IInferenceStore store, WorkerPool workers, ILogger<PinnedModels> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                workers.PinOnly(await ReadAsync(stoppingToken));
                await Task.WhenAll(workers.MissingPinned().Select(model => workers.TryLoadAsync(model, stoppingToken)));
            }
            catch (Exception e) when (e is NpgsqlException or Marten.Exceptions.MartenException)
            {
                LogUnknown(logger, e);
            }

            await workers.WaitForPinnedEndAsync(Interval, stoppingToken);
        }
    }

    private async Task<IReadOnlyList<InstalledModel>> ReadAsync(CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        var pinned = await session.Query<ModelConfiguration>().Where(c => c.Settings.Pinned == true).Select(c => c.Id).ToListAsync(cancellation);
        var models = pinned.Count == 0 ? [] : await session.Query<Model>().Where(m => m.ConfigurationId != null && m.Quarantine == null).ToListAsync(cancellation);
        return [.. models.Where(m => pinned.Contains(m.ConfigurationId!.Value)).Select(m => m.ToInstalled())];
    }

    [LoggerMessage(LogLevel.Warning, "It could not be read which models are pinned; those that were stay so")]
    private static partial void LogUnknown(ILogger logger, Exception exception);
}

internal static class Loading
{
    /// <summary>Loads a model where that is possible; where it is not, its state says why.</summary>
    public static async Task TryLoadAsync(this WorkerPool workers, InstalledModel model, CancellationToken cancellation)
    {
        try
        {
            using var lease = await workers.LeaseAsync(model, cancellation);
        }
        catch (GenerationException)
        {
            // The slot keeps the reason.
        }
    }
}
