using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.Presets;
using Marten;

namespace LlmPlatform.Inference.Names;

/// <summary>What a name means for somebody: the installed model that answers, and the preset that shapes the request.</summary>
/// <param name="Model">The installed model.</param>
/// <param name="Preset">Null where the model is meant as it is.</param>
/// <param name="Quarantine">Why the model cannot be used at all.</param>
internal sealed record ModelTarget(InstalledModel Model, Preset? Preset = null, ModelError? Quarantine = null);

/// <summary>Finds out what a name means.</summary>
internal interface IModelTargets
{
    /// <summary>Null where there is no such name, or none for this user.</summary>
    Task<ModelTarget?> FindAsync(string name, ModelUser user, CancellationToken cancellation);
}

/// <summary>The one place where names become models: aliases, presets and rights are looked up here and nowhere else.</summary>
internal sealed class ModelDirectory(IInferenceStore store) : IModelCatalog, IModelTargets
{
    async Task<ModelTarget?> IModelTargets.FindAsync(string name, ModelUser user, CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        return await FindAsync(session, name, user, cancellation) is { } found ? new ModelTarget(found.Model.ToInstalled(), found.Preset, found.Model.Quarantine) : null;
    }

    public async Task<UsableModel?> FindAsync(string name, ModelUser user, CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        return await FindAsync(session, name, user, cancellation) is { } found ? Entry(found) : null;
    }

    public async Task<IReadOnlyList<UsableModel>> ListAsync(ModelUser user, CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        var batch = session.CreateBatchQuery();
        var (models, presets, aliases) = (
            batch.Query<Model>().ToList(), batch.Query<Preset>().ToList(), batch.Query<ModelName>().Where(n => n.AliasOf != null).ToList());
        await batch.Execute(cancellation);
        var installed = (await models).ToDictionary(m => m.Id);
        var known = installed.Values.Select(m => new Found(m.Id, m, null, null))
            .Concat((await presets).Where(p => installed.ContainsKey(p.Base)).Select(p => new Found(p.Id, installed[p.Base], p, null)))
            .ToDictionary(found => found.Name);
        var aliased = (await aliases).Where(a => known.ContainsKey(a.AliasOf!)).Select(a => known[a.AliasOf!] with { Name = a.Id, Alias = a });
        return [.. known.Values.Concat(aliased).Where(found => found.IsFor(user)).OrderBy(found => found.Name, StringComparer.Ordinal).Select(Entry)];
    }

    public async Task<string?> FindDefaultAsync(ModelUser user, CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        return await session.LoadAsync<DefaultModel>(DefaultModel.Only, cancellation) is { } preferred && await FindAsync(session, preferred.Name, user, cancellation) is not null
            ? preferred.Name
            : null;
    }

    private static async Task<Found?> FindAsync(IQuerySession session, string name, ModelUser user, CancellationToken cancellation)
    {
        if (!Model.IsName(name))
        {
            return null;
        }

        var found = await ReadAsync(session, name, cancellation);
        if (found is { Alias.AliasOf: { } target })
        {
            found = (await ReadAsync(session, target, cancellation)) with { Name = name, Alias = found.Alias };
        }

        if (found is { Model: null, Preset: { } preset })
        {
            found = found with { Model = (await session.LoadAsync<Model>(preset.Base, cancellation))! };
        }

        return found.Model is not null && found.IsFor(user) ? found : null;
    }

    private static async Task<Found> ReadAsync(IQuerySession session, string name, CancellationToken cancellation)
    {
        var batch = session.CreateBatchQuery();
        var (model, preset, taken) = (batch.Load<Model>(name), batch.Load<Preset>(name), batch.Load<ModelName>(name));
        await batch.Execute(cancellation);
        return new Found(name, (await model)!, await preset, await taken is { AliasOf: not null } alias ? alias : null);
    }

    private static UsableModel Entry(Found found) => found switch
    {
        { Alias: { } alias } => new UsableModel(found.Name, ModelKind.Alias, found.Model.Id, found.ContextTokens, alias.CreatedAt) { Description = found.Preset?.Description },
        { Preset: { } preset } => new UsableModel(preset.Id, ModelKind.Preset, preset.Base, found.ContextTokens, preset.CreatedAt) { Description = preset.Description },
        _ => new UsableModel(found.Name, ModelKind.Installed, found.Model.Id, found.ContextTokens, found.Model.InstalledAt),
    };

    private sealed record Found(string Name, Model Model, Preset? Preset, ModelName? Alias)
    {
        public int ContextTokens => Preset?.ContextTokens ?? Model.ContextTokens;

        /// <summary>A preset has rights of its own: whoever wrote it decides who gets the model in this form.</summary>
        public bool IsFor(ModelUser user) => (user.ManagesModels || (Preset?.Rights ?? Model.Rights).Allow(user)) && IsForKeyOf(user);

        /// <summary>An alias is the thing itself under another name; a preset is not its model.</summary>
        private bool IsForKeyOf(ModelUser user) => user.Models.Count == 0 || user.Models.Contains(Name) || user.Models.Contains(Preset?.Id ?? Model.Id);
    }
}
