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
    /// <summary>What went wrong with the last load or worker.</summary>
    public ModelError? Error { get; init; }

    /// <summary>How it is to be run; only where one model is asked for.</summary>
    public ModelSettings? Settings { get; init; }

    /// <summary>What a load takes at least, by its header; only where one model is asked for.</summary>
    public MemoryEstimate? Memory { get; init; }

    /// <summary>What its worker says about it; only where one model is asked for, and while it is loaded.</summary>
    public LoadedModel? Loaded { get; init; }

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
            state.Phase,
            state.Progress)
        {
            Error = state.Code is null ? null : new ModelError(state.Code, state.Message ?? ""),
        };
    }
}

/// <summary>Why a model cannot be used, or its last worker ended.</summary>
public sealed record ModelError(string Code, string Message);

public static class ListModelsEndpoint
{
    [WolverineGet("/api/v1/inference/models", OperationId = "listModels"), Authorize]
    [EndpointSummary("List the installed models"), Tags("Models")]
    public static async Task<Page<ModelDetails>> Get(IQuerySession session, WorkerPool workers, CancellationToken cancellation)
    {
        var models = await session.Query<Model>().OrderBy(m => m.Id).ToListAsync(cancellation);
        return new Page<ModelDetails>([.. models.Select(m => ModelDetails.Of(m, workers))], null);
    }
}

public static class GetModelEndpoint
{
    [WolverineGet("/api/v1/inference/models/{name}", OperationId = "getModel"), Authorize]
    [EndpointSummary("Show an installed model"), Tags("Models"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<ModelDetails> Get(string name, IQuerySession session, ModelOverview overview, CancellationToken cancellation)
    {
        var model = await session.LoadAsync<Model>(name, cancellation) ?? throw ModelRefusals.NotFound(name);
        return overview.Of(model, await session.SettingsOfAsync(model, cancellation));
    }
}

internal static class ModelRefusals
{
    public static Refusal NotFound(string name) => Refusal.NotFound("model.not_found", $"There is no model called '{name}'.");
}
