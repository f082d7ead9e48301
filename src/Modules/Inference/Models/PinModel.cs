using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Workers;
using Marten;
using Microsoft.Extensions.Hosting;

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
            await workers.PinAsync(model.ToInstalled(), cancellation);
        }
        else
        {
            workers.Unpin(command.Name);
        }
    }
}

/// <summary>Loads the pinned models when the host starts; nobody's start waits for that.</summary>
internal sealed class PinnedModels(IInferenceStore store, WorkerPool workers) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var session = store.QuerySession();
        var pinned = await session.Query<ModelConfiguration>().Where(c => c.Settings.Pinned == true).Select(c => c.Id).ToListAsync(stoppingToken);
        var models = await session.Query<Model>().Where(m => m.ConfigurationId != null && m.Quarantine == null).ToListAsync(stoppingToken);
        foreach (var model in models.Where(m => pinned.Contains(m.ConfigurationId!.Value)))
        {
            try
            {
                await workers.PinAsync(model.ToInstalled(), stoppingToken);
            }
            catch (GenerationException)
            {
                // Its state says why; it is tried again while the host runs.
            }
        }
    }
}
