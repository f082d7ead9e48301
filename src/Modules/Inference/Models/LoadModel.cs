using LlmPlatform.Inference.Workers;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Inference.Models;

/// <summary>Loads a model before anybody asks for it.</summary>
public sealed record LoadModel(string Name);

/// <summary>Ends a model's worker, so that its memory comes back.</summary>
public sealed record UnloadModel(string Name);

public static class LoadModelEndpoint
{
    [WolverinePost("/api/v1/inference/models/{name}/load", OperationId = "loadModel"), Authorize(Policies.Administrator)]
    [EndpointSummary("Load a model"), Tags("Models"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(Accepted, LoadModel)> Post(string name, IQuerySession session, CancellationToken cancellation) =>
        await session.LoadAsync<Model>(name, cancellation) is null
            ? throw ModelRefusals.NotFound(name)
            : (TypedResults.Accepted($"/api/v1/inference/models/{name}"), new LoadModel(name));
}

public static class UnloadModelEndpoint
{
    [WolverinePost("/api/v1/inference/models/{name}/unload", OperationId = "unloadModel"), Authorize(Policies.Administrator)]
    [EndpointSummary("Unload a model"), Tags("Models"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(Accepted, UnloadModel)> Post(string name, IQuerySession session, CancellationToken cancellation) =>
        await session.LoadAsync<Model>(name, cancellation) is null
            ? throw ModelRefusals.NotFound(name)
            : (TypedResults.Accepted($"/api/v1/inference/models/{name}"), new UnloadModel(name));
}

public static class LoadModelHandler
{
    public static Task Handle(LoadModel command, WorkerPool workers, CancellationToken cancellation) => workers.LoadAsync(command.Name, cancellation);
}

public static class UnloadModelHandler
{
    public static Task Handle(UnloadModel command, WorkerPool workers, CancellationToken cancellation) => workers.UnloadAsync(command.Name, cancellation);
}
