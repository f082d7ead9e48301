using LlmPlatform.Admin.Contracts;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Names;
using LlmPlatform.Inference.Presets;
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

/// <summary>Ends a deleted model's worker and removes its file, unless another model has the same.</summary>
public sealed record ReleaseModelFile(string Name, string Digest);

public static class DeleteModelEndpoint
{
    [WolverineDelete("/api/v1/inference/models/{name}", OperationId = "deleteModel"), Authorize(Permissions.Models)]
    [EndpointSummary("Delete a model; with cascade, also its presets and aliases"), Tags("Models"), ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(409)]
    public static async Task<(Accepted, OutgoingMessages)> Delete(
        string name, bool? cascade, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation) =>
        (TypedResults.Accepted($"/api/v1/inference/models/{name}"),
            await Deletion.ApplyAsync(session, Guid.CreateVersion7(now), name, cascade ?? false, currentUser.Id, now, cancellation));
}

public static class DeleteModelHandler
{
    public static Task<OutgoingMessages> Handle(DeleteModel command, IDocumentSession session, TimeProvider time, CancellationToken cancellation) => ModelCommands.CarryOutAsync(
        command.CommandId, command.Name, time, cancellation => Deletion.ApplyAsync(session, command.CommandId, command.Name, command.Cascade, command.By, time.GetUtcNow(), cancellation), cancellation);
}

public static class ReleaseModelFileHandler
{
    public static async Task Handle(ReleaseModelFile command, IDocumentSession session, WorkerPool workers, ModelFiles files, CancellationToken cancellation)
    {
        workers.Unpin(command.Name); // whoever has the name now is pinned again in a moment, if it is to be

        // The name may have been taken again in the meantime; then its worker is somebody else's.
        if (await session.LoadAsync<Model>(command.Name, cancellation) is null)
        {
            await workers.UnloadAsync(command.Name, cancellation);
        }

        await session.LockAsync(command.Digest, cancellation);
        if (!await session.Query<Model>().AnyAsync(m => m.Digest == command.Digest, cancellation))
        {
            File.Delete(files.PathOf(command.Digest));
        }
    }
}

internal static class Deletion
{
    /// <summary>Frees a model's or preset's name at once; the rest follows by message.</summary>
    public static async Task<OutgoingMessages> ApplyAsync(
        IDocumentSession session, Guid id, string name, bool cascade, Guid by, DateTimeOffset now, CancellationToken cancellation)
    {
        await session.LockAsync(ModelName.Lock, cancellation);
        var model = await session.LoadAsync<Model>(name, cancellation);
        if (model is null && await session.LoadAsync<Preset>(name, cancellation) is null)
        {
            throw ModelRefusals.NotFound(name);
        }

        var dependants = await Dependants.OfAsync(session, name, cancellation);
        if (!cascade)
        {
            dependants.RefuseAny(name);
        }

        dependants.Delete(session);
        session.Delete<ModelName>(name);
        if (model is null)
        {
            session.Delete<Preset>(name);
            return [new ActPerformed(id, by, "inference.preset_deleted", $"model:{name}", now)];
        }

        session.Delete(model);
        return
        [
            new ModelDeleted(id, name, model.Digest, by, now),
            new ActPerformed(id, by, "inference.model_deleted", $"model:{name}", now),
            new ReleaseModelFile(name, model.Digest),
        ];
    }
}
