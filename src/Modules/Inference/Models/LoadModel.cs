using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Workers;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Inference.Models;

public static class LoadModelEndpoint
{
    [WolverinePost("/api/v1/inference/models/{name}/load", OperationId = "loadModel"), Authorize(Permissions.Models)]
    [EndpointSummary("Load a model"), Tags("Models"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(Accepted, LoadModel)> Post(
        string name, IQuerySession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation) =>
        await session.LoadAsync<Model>(name, cancellation) is null
            ? throw ModelRefusals.NotFound(name)
            : (TypedResults.Accepted($"/api/v1/inference/models/{name}"), new LoadModel(Guid.CreateVersion7(now), name, currentUser.Id));
}

public static class UnloadModelEndpoint
{
    [WolverinePost("/api/v1/inference/models/{name}/unload", OperationId = "unloadModel"), Authorize(Permissions.Models)]
    [EndpointSummary("Unload a model"), Tags("Models"), ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(Accepted, UnloadModel)> Post(
        string name, IQuerySession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var model = await session.LoadAsync<Model>(name, cancellation) ?? throw ModelRefusals.NotFound(name);
        return (await session.SettingsOfAsync(model, cancellation)).Pinned == true
            ? throw ModelRefusals.Pinned(name)
            : (TypedResults.Accepted($"/api/v1/inference/models/{name}"), new UnloadModel(Guid.CreateVersion7(now), name, currentUser.Id));
    }
}

public static class LoadModelHandler
{
    public static Task<OutgoingMessages> Handle(LoadModel command, IQuerySession session, WorkerPool workers, TimeProvider time, CancellationToken cancellation) =>
        ModelCommands.CarryOutAsync(command.CommandId, command.Name, time, async cancellation =>
        {
            var model = await session.LoadAsync<Model>(command.Name, cancellation) ?? throw ModelRefusals.NotFound(command.Name);
            await workers.LoadAsync(model.ToInstalled(), cancellation);
            return [];
        }, cancellation);
}

public static class UnloadModelHandler
{
    public static Task<OutgoingMessages> Handle(UnloadModel command, IQuerySession session, WorkerPool workers, TimeProvider time, CancellationToken cancellation) =>
        ModelCommands.CarryOutAsync(command.CommandId, command.Name, time, async cancellation =>
        {
            var model = await session.LoadAsync<Model>(command.Name, cancellation) ?? throw ModelRefusals.NotFound(command.Name);
            if ((await session.SettingsOfAsync(model, cancellation)).Pinned == true)
            {
                throw ModelRefusals.Pinned(command.Name);
            }

            await workers.UnloadAsync(command.Name, cancellation);
            return [];
        }, cancellation);
}
