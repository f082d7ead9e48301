using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.Names;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Inference.Presets;

/// <summary>A preset. What makes it work, the model behind it and the system prompt first, is for administrators: others use it and need not know.</summary>
public sealed record PresetDetails(
    string Name,
    string? Base,
    string? Description,
    int? ContextTokens,
    int Version,
    DateTimeOffset CreatedAt,
    DateTimeOffset ChangedAt)
{
    public string? SystemPrompt { get; init; }

    public PresetSampling? Sampling { get; init; }

    public int? MaxTokens { get; init; }

    public IReadOnlyList<string>? Stop { get; init; }

    public int? KeepAliveMinutes { get; init; }

    public ModelRights? Rights { get; init; }

    internal static PresetDetails Of(Preset preset, ModelUser user) => user.ManagesModels
        ? ForAdministrators(preset)
        : new PresetDetails(preset.Id, null, preset.Description, preset.ContextTokens, preset.Version, preset.CreatedAt, preset.ChangedAt);

    internal static PresetDetails ForAdministrators(Preset preset) =>
        new(preset.Id, preset.Base, preset.Description, preset.ContextTokens, preset.Version, preset.CreatedAt, preset.ChangedAt)
        {
            SystemPrompt = preset.SystemPrompt,
            Sampling = preset.Sampling,
            MaxTokens = preset.MaxTokens,
            Stop = preset.Stop,
            KeepAliveMinutes = preset.KeepAliveMinutes,
            Rights = preset.Rights,
        };
}

public static class ListPresetsEndpoint
{
    [WolverineGet("/api/v1/inference/presets", OperationId = "listPresets"), Authorize]
    [EndpointSummary("List the presets you may use"), Tags("Presets")]
    public static async Task<Page<PresetDetails>> Get(CurrentUser currentUser, IModelCatalog models, IQuerySession session, CancellationToken cancellation)
    {
        var user = currentUser.ToModelUser();
        var usable = (await models.ListAsync(user, cancellation)).Where(m => m.Kind == ModelKind.Preset).Select(m => m.Name).ToHashSet();
        var presets = await session.Query<Preset>().OrderBy(p => p.Id).ToListAsync(cancellation);
        return new Page<PresetDetails>([.. presets.Where(p => usable.Contains(p.Id)).Select(p => PresetDetails.Of(p, user))], null);
    }
}

public static class GetPresetEndpoint
{
    [WolverineGet("/api/v1/inference/presets/{name}", OperationId = "getPreset"), Authorize]
    [EndpointSummary("Show a preset"), Tags("Presets"), ProducesResponseType<ProblemDetails>(404)]
    public static async Task<PresetDetails> Get(string name, CurrentUser currentUser, IModelCatalog models, IQuerySession session, CancellationToken cancellation)
    {
        var user = currentUser.ToModelUser();
        return await models.FindAsync(name, user, cancellation) is { Kind: ModelKind.Preset } && await session.LoadAsync<Preset>(name, cancellation) is { } preset
            ? PresetDetails.Of(preset, user)
            : throw ModelRefusals.NotFound(name);
    }
}
