using FluentValidation;
using LlmPlatform.Admin.Contracts;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Models;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Inference.Names;

/// <summary>Makes a model, preset or alias the default one.</summary>
public sealed record SetDefaultModel(string Name);

internal sealed class SetDefaultModelValidator : AbstractValidator<SetDefaultModel>
{
    public SetDefaultModelValidator() => RuleFor(c => c.Name).NotEmpty().MaximumLength(Model.LongestName);
}

/// <summary>The default model; null where there is none that the caller may use.</summary>
public sealed record DefaultModelDetails(string? Name);

public static class SetDefaultModelEndpoint
{
    [WolverinePut("/api/v1/inference/default-model", OperationId = "setDefaultModel"), Authorize(Permissions.Models)]
    [EndpointSummary("Say which model is meant where none is named"), Tags("Models"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(DefaultModelDetails, OutgoingMessages)> Put(
        SetDefaultModel command, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        await session.LockAsync(ModelName.Lock, cancellation);
        if (await session.LoadAsync<ModelName>(command.Name, cancellation) is not { } name || !await name.CanBeUsedAsync(session, cancellation))
        {
            throw ModelRefusals.NotFound(command.Name);
        }

        session.Store(new DefaultModel { Name = command.Name });
        return (new DefaultModelDetails(command.Name),
            [new ActPerformed(Guid.CreateVersion7(now), currentUser.Id, "inference.default_model_set", $"model:{command.Name}", now)]);
    }

    private static async Task<bool> CanBeUsedAsync(this ModelName name, IQuerySession session, CancellationToken cancellation) =>
        name.InstallId is null || await session.LoadAsync<Model>(name.Id, cancellation) is not null;
}

public static class GetDefaultModelEndpoint
{
    [WolverineGet("/api/v1/inference/default-model", OperationId = "getDefaultModel"), Authorize]
    [EndpointSummary("Show which model is meant where none is named"), Tags("Models")]
    public static async Task<DefaultModelDetails> Get(CurrentUser currentUser, IModelCatalog models, CancellationToken cancellation) =>
        new(await models.FindDefaultAsync(currentUser.ToModelUser(), cancellation));
}

public static class ClearDefaultModelEndpoint
{
    [WolverineDelete("/api/v1/inference/default-model", OperationId = "clearDefaultModel"), Authorize(Permissions.Models)]
    [EndpointSummary("Have no default model"), Tags("Models")]
    public static (NoContent, OutgoingMessages) Delete(IDocumentSession session, CurrentUser currentUser, DateTimeOffset now)
    {
        session.Delete<DefaultModel>(DefaultModel.Only);
        return (TypedResults.NoContent(), [new ActPerformed(Guid.CreateVersion7(now), currentUser.Id, "inference.default_model_cleared", "model:default", now)]);
    }
}
