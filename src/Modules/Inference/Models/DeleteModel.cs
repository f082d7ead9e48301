using LlmPlatform.Admin.Contracts;
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

/// <summary>Ends a deleted model's worker and removes its file, unless another model has the same.</summary>
public sealed record ReleaseModelFile(string Name, string Digest);

public static class DeleteModelEndpoint
{
    [WolverineDelete("/api/v1/inference/models/{name}", OperationId = "deleteModel"), Authorize(Policies.Administrator)]
    [EndpointSummary("Delete a model"), Tags("Models"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(Accepted, OutgoingMessages)> Delete(
        string name, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        await session.LockAsync(ModelConfiguration.LockOf(name), cancellation);
        var model = await session.LoadAsync<Model>(name, cancellation) ?? throw ModelRefusals.NotFound(name);
        session.Delete(model);
        session.Delete<ModelName>(name);
        var deletion = Guid.CreateVersion7(now);
        return (TypedResults.Accepted($"/api/v1/inference/models/{name}"),
        [
            new ModelDeleted(deletion, name, model.Digest, currentUser.Id, now),
            new ActPerformed(deletion, currentUser.Id, "inference.model_deleted", $"model:{name}", now),
            new ReleaseModelFile(name, model.Digest),
        ]);
    }
}

public static class ReleaseModelFileHandler
{
    public static async Task Handle(ReleaseModelFile command, IDocumentSession session, WorkerPool workers, ModelFiles files, CancellationToken cancellation)
    {
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
