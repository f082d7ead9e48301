using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Names;
using LlmPlatform.Inference.Workers;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Inference.Models;

/// <summary>A model as its users and administrators see it.</summary>
public sealed record ModelDetails(
    string Name,
    string Digest,
    long SizeBytes,
    string Architecture,
    long Parameters,
    int ContextTokens,
    bool HasChatTemplate,
    DateTimeOffset InstalledAt,
    WorkerPhase State,
    float LoadProgress)
{
    public string? Quantisation { get; init; }

    public string? Licence { get; init; }

    /// <summary>Whether it turns texts into vectors and generates none.</summary>
    public bool IsEmbedder { get; init; }

    /// <summary>What went wrong with the last load or worker.</summary>
    public ModelError? Error { get; init; }

    /// <summary>Its other names.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Models made of it that the caller may use.</summary>
    public IReadOnlyList<string> Presets { get; init; } = [];

    /// <summary>Whether a request that names no model means this one.</summary>
    public bool IsDefault { get; init; }

    /// <summary>Where it came from; for administrators.</summary>
    public string? Source { get; init; }

    /// <summary>Who may use it; for administrators.</summary>
    public ModelRights? Rights { get; init; }

    /// <summary>How it is to be run; only where one model is asked for.</summary>
    public ModelSettings? Settings { get; init; }

    /// <summary>What a load takes at least, by its header; only where one model is asked for.</summary>
    public MemoryEstimate? Memory { get; init; }

    /// <summary>What its worker says about it; only where one model is asked for, and while it is loaded.</summary>
    public LoadedModel? Loaded { get; init; }

    /// <summary>What its file says about it; only where that is asked for.</summary>
    public ModelHeader? Header { get; init; }

    internal static ModelDetails Of(Model model, WorkerPool workers)
    {
        var state = workers.StateOf(model.Id);
        return new ModelDetails(
            model.Id,
            model.Digest,
            model.SizeBytes,
            model.Architecture,
            model.Parameters,
            model.ContextTokens,
            model.HasChatTemplate,
            model.InstalledAt,
            model.Quarantine is null ? state.Phase : WorkerPhase.Quarantined,
            state.Progress)
        {
            Quantisation = model.Quantisation,
            Licence = model.Licence,
            IsEmbedder = model.IsEmbedder,
            Error = model.Quarantine ?? (state.Code is null ? null : new ModelError(state.Code, state.Message ?? "")),
        };
    }

    /// <summary>With what surrounds it, as far as the caller may see that.</summary>
    internal ModelDetails With(Model model, IReadOnlyList<UsableModel> usable, string? preferred, ModelUser user)
    {
        var isManager = user.ManagesModels;
        return this with
        {
            Aliases = Others(ModelKind.Alias),
            Presets = Others(ModelKind.Preset),
            IsDefault = preferred is not null && (preferred == Name || Others(ModelKind.Alias).Contains(preferred)),
            Source = isManager ? model.Source : null,
            Rights = isManager ? model.Rights : null,
        };

        IReadOnlyList<string> Others(ModelKind kind) => [.. usable.Where(m => m.Kind == kind && m.Model == Name).Select(m => m.Name)];
    }
}

public static class ListModelsEndpoint
{
    [WolverineGet("/api/v1/inference/models", OperationId = "listModels"), Authorize]
    [EndpointSummary("List the installed models that you may use"), Tags("Models")]
    public static async Task<Page<ModelDetails>> Get(
        CurrentUser currentUser, IModelCatalog catalog, IQuerySession session, WorkerPool workers, CancellationToken cancellation)
    {
        var user = currentUser.ToModelUser();
        var usable = await catalog.ListAsync(user, cancellation);
        var preferred = await catalog.FindDefaultAsync(user, cancellation);
        var names = usable.Where(m => m.Kind == ModelKind.Installed).Select(m => m.Name).ToHashSet();
        var models = await session.Query<Model>().OrderBy(m => m.Id).ToListAsync(cancellation);
        return new Page<ModelDetails>([.. models.Where(m => names.Contains(m.Id)).Select(m => ModelDetails.Of(m, workers).With(m, usable, preferred, user))], null);
    }
}

public static class GetModelEndpoint
{
    [WolverineGet("/api/v1/inference/models/{name}", OperationId = "getModel"), Authorize]
    [EndpointSummary("Show an installed model; include=template,metadata adds what its file says"), Tags("Models")]
    [ProducesResponseType<ProblemDetails>(400), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<ModelDetails> Get(
        string name, string? include, CurrentUser currentUser, IModelCatalog catalog, IQuerySession session, ModelOverview overview, CancellationToken cancellation)
    {
        var user = currentUser.ToModelUser();
        var usable = await catalog.ListAsync(user, cancellation);
        var model = usable.Any(m => m.Kind == ModelKind.Installed && m.Name == name) ? await session.LoadAsync<Model>(name, cancellation) : null;
        if (model is null)
        {
            throw ModelRefusals.NotFound(name);
        }

        var details = overview.Of(model, await session.SettingsOfAsync(model, cancellation)).With(model, usable, await catalog.FindDefaultAsync(user, cancellation), user);
        return details with { Header = overview.HeaderOf(model, ModelHeader.ReadInclude(include)) };
    }
}

internal static class ModelRefusals
{
    public static Refusal NotFound(string name) => Refusal.NotFound("model.not_found", $"There is no model called '{name}'.");

    public static Refusal Pinned(string name) => new(new Error(409, "model.pinned", $"'{name}' is pinned, so it stays loaded; unpin it first."));

    public static Refusal ContextTooLong(Model model) =>
        new(new Error(422, "model.context_too_long", $"The model was trained for {model.ContextTokens} tokens of context at most.", "contextTokens"));
}
