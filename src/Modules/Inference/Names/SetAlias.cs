using FluentValidation;
using LlmPlatform.Admin.Contracts;
using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.Presets;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Inference.Names;

/// <summary>Gives a model or preset another name, or an alias another target: who uses the alias gets the new one with their next request.</summary>
public sealed record SetAlias(string Target);

internal sealed class SetAliasValidator : AbstractValidator<SetAlias>
{
    public SetAliasValidator() => RuleFor(c => c.Target).NotEmpty().MaximumLength(Model.LongestName);
}

/// <summary>An alias and what it stands for.</summary>
public sealed record AliasDetails(string Alias, string Target, DateTimeOffset CreatedAt);

public static class SetAliasEndpoint
{
    [WolverinePut("/api/v1/inference/aliases/{alias}", OperationId = "setAlias"), Authorize(Permissions.Models)]
    [EndpointSummary("Give a model another name"), Tags("Models")]
    [ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(409), ProducesResponseType<ProblemDetails>(422)]
    public static async Task<(AliasDetails, OutgoingMessages)> Put(
        string alias, SetAlias command, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        NameRefusals.CheckName(alias);
        await session.LockAsync(ModelName.Lock, cancellation);
        var known = await session.LoadAsync<ModelName>(alias, cancellation);
        if (known is { AliasOf: null })
        {
            throw NameRefusals.Taken(alias);
        }

        if (await session.LoadAsync<ModelName>(command.Target, cancellation) is { AliasOf: not null })
        {
            throw new Refusal(new Error(422, "alias.of_alias", "An alias stands for a model or a preset, not for another alias.", "target"));
        }

        if (await session.LoadAsync<Model>(command.Target, cancellation) is null && await session.LoadAsync<Preset>(command.Target, cancellation) is null)
        {
            throw ModelRefusals.NotFound(command.Target);
        }

        var stored = new ModelName { Id = alias, AliasOf = command.Target, CreatedAt = known?.CreatedAt ?? now };
        session.Store(stored);
        return (Aliases.Of(stored), [new ActPerformed(Guid.CreateVersion7(now), currentUser.Id, "inference.alias_set", $"model:{alias}", now)]);
    }
}

public static class ListAliasesEndpoint
{
    [WolverineGet("/api/v1/inference/aliases", OperationId = "listAliases"), Authorize(Permissions.Models)]
    [EndpointSummary("List the aliases"), Tags("Models")]
    public static async Task<Page<AliasDetails>> Get(IQuerySession session, CancellationToken cancellation) =>
        new([.. (await session.Query<ModelName>().Where(n => n.AliasOf != null).OrderBy(n => n.Id).ToListAsync(cancellation)).Select(Aliases.Of)], null);
}

public static class DeleteAliasEndpoint
{
    [WolverineDelete("/api/v1/inference/aliases/{alias}", OperationId = "deleteAlias"), Authorize(Permissions.Models)]
    [EndpointSummary("Delete an alias"), Tags("Models"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<(NoContent, OutgoingMessages)> Delete(
        string alias, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        await session.LockAsync(ModelName.Lock, cancellation);
        if (await session.LoadAsync<ModelName>(alias, cancellation) is not { AliasOf: not null })
        {
            throw ModelRefusals.NotFound(alias);
        }

        session.Delete<ModelName>(alias);
        if (await session.LoadAsync<DefaultModel>(DefaultModel.Only, cancellation) is { } preferred && preferred.Name == alias)
        {
            session.Delete(preferred);
        }

        return (TypedResults.NoContent(), [new ActPerformed(Guid.CreateVersion7(now), currentUser.Id, "inference.alias_deleted", $"model:{alias}", now)]);
    }
}

internal static class Aliases
{
    public static AliasDetails Of(ModelName name) => new(name.Id, name.AliasOf!, name.CreatedAt);
}

internal static class NameRefusals
{
    public static void CheckName(string name)
    {
        if (!Model.IsName(name))
        {
            throw new Refusal(new Error(422, "model.name_invalid", Model.NameRule, "name"));
        }
    }

    public static Refusal Taken(string name) => new(new Error(409, "model.name_taken", $"There is a model, preset or alias called '{name}' already, or a model of that name is being installed.", "name"));
}
