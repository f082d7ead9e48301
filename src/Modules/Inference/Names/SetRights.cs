using FluentValidation;
using LlmPlatform.Admin.Contracts;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.Presets;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Inference.Names;

/// <summary>Says who may use a model or preset. For everybody else, administrators aside, it does not exist from the next request on.</summary>
public sealed record SetRights(bool Everyone, IReadOnlyList<string>? Roles = null, IReadOnlyList<Guid>? Users = null, IReadOnlyList<string>? Groups = null);

internal sealed class SetRightsValidator : AbstractValidator<SetRights>
{
    private const int Most = 1000;

    public SetRightsValidator()
    {
        RuleFor(c => c.Roles).Must(roles => roles is null || roles.All(Roles.All.Contains)).WithMessage($"Roles are: {string.Join(", ", Roles.All)}.");
        RuleFor(c => c.Users).Must(users => users is null or { Count: <= Most }).WithMessage($"{Most} people at most; make them a group.");
        RuleFor(c => c.Groups).Must(groups => groups is null || (groups.Count <= Most && groups.All(g => g.Length is > 0 and <= 128)))
            .WithMessage($"{Most} groups at most, with names of 1 to 128 characters.");
    }
}

public static class SetRightsEndpoint
{
    [WolverinePut("/api/v1/inference/models/{name}/rights", OperationId = "setModelRights"), Authorize(Permissions.Models)]
    [EndpointSummary("Say who may use a model or preset"), Tags("Models"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(ModelRights, OutgoingMessages)> Put(
        string name, SetRights command, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        await session.LockAsync(ModelName.Lock, cancellation);
        var rights = new ModelRights(command.Everyone, command.Roles ?? [], command.Users ?? [], command.Groups ?? []);
        OutgoingMessages messages = [new ActPerformed(Guid.CreateVersion7(now), currentUser.Id, "inference.model_rights_set", $"model:{name}", now)];
        if (await session.LoadAsync<Model>(name, cancellation) is { } model)
        {
            session.Store(model with { Rights = rights });
        }
        else if (await session.LoadAsync<Preset>(name, cancellation) is { } preset)
        {
            session.Store(preset with { Rights = rights });
        }
        else
        {
            throw ModelRefusals.NotFound(name);
        }

        return (rights, messages);
    }
}
