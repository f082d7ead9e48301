using LlmPlatform.Inference.Workers;
using Marten;

namespace LlmPlatform.Inference.Models;

/// <summary>An administrator said how a model is to be run. It holds all settings as they are from here on.</summary>
public sealed record ModelConfigured(Guid ConfigurationId, string Name, ModelSettings Settings, Guid By, DateTimeOffset At);

/// <summary>How a model is to be run. It belongs to one installed model, not to a name: who takes the name later starts afresh.</summary>
public sealed partial record ModelConfiguration
{
    public Guid Id { get; init; }

    public required ModelSettings Settings { get; init; }

    public static ModelConfiguration Create(ModelConfigured e) => new() { Id = e.ConfigurationId, Settings = e.Settings };

    public ModelConfiguration Apply(ModelConfigured e) => this with { Settings = e.Settings };
}

internal sealed class ConfiguredModels(IInferenceStore store) : IModelSettings
{
    public async Task<ModelSettings> FindAsync(string name, CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        return await session.SettingsOfAsync(await session.LoadAsync<Model>(name, cancellation), cancellation);
    }
}

internal static class ModelConfigurationQueries
{
    public static async Task<ModelSettings> SettingsOfAsync(this IQuerySession session, Model? model, CancellationToken cancellation) =>
        model?.ConfigurationId is { } id && await session.LoadAsync<ModelConfiguration>(id, cancellation) is { } configuration
            ? configuration.Settings
            : new ModelSettings();
}
