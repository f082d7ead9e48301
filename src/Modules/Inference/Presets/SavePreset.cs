using FluentValidation;
using LlmPlatform.Admin.Contracts;
using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.Names;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Inference.Presets;

/// <summary>Makes a preset, or changes all of one whose version is the expected one. A new one has the rights of its model.</summary>
public sealed record SavePreset(
    string Base,
    string? Description = null,
    string? SystemPrompt = null,
    PresetSampling? Sampling = null,
    int? ContextTokens = null,
    int? MaxTokens = null,
    IReadOnlyList<string>? Stop = null,
    int? KeepAliveMinutes = null,
    int? ExpectedVersion = null);

internal sealed class SavePresetValidator : AbstractValidator<SavePreset>
{
    private const int LongestPrompt = 200_000;
    private const int MostStops = 16;

    public SavePresetValidator()
    {
        RuleFor(c => c.Base).NotEmpty().MaximumLength(Model.LongestName);
        RuleFor(c => c.Description).MaximumLength(2000);
        RuleFor(c => c.SystemPrompt).MaximumLength(LongestPrompt);
        RuleFor(c => c.ContextTokens).InclusiveBetween(16, 1 << 28);
        RuleFor(c => c.MaxTokens).GreaterThan(0);
        RuleFor(c => c.KeepAliveMinutes).InclusiveBetween(ModelSettings.ForEver, ModelChangeValidator.OneYear);
        RuleFor(c => c.Stop).Must(stop => stop is null || (stop.Count <= MostStops && stop.All(s => s.Length is > 0 and <= 1000)))
            .WithMessage($"stop holds at most {MostStops} texts of 1 to 1000 characters.");
        RuleFor(c => c.Sampling!.Temperature).InclusiveBetween(0, 2).When(c => c.Sampling is not null);
        RuleFor(c => c.Sampling!.TopP).InclusiveBetween(float.Epsilon, 1).When(c => c.Sampling is not null);
        RuleFor(c => c.Sampling!.TopK).GreaterThanOrEqualTo(0).When(c => c.Sampling is not null);
        RuleFor(c => c.Sampling!.MinP).InclusiveBetween(0, 1).When(c => c.Sampling is not null);
        RuleFor(c => c.Sampling!.TypicalP).InclusiveBetween(float.Epsilon, 1).When(c => c.Sampling is not null);
        RuleFor(c => c.Sampling!.RepeatPenalty).InclusiveBetween(0.01f, 10).When(c => c.Sampling is not null);
        RuleFor(c => c.Sampling!.RepeatLastN).GreaterThanOrEqualTo(0).When(c => c.Sampling is not null);
        RuleFor(c => c.Sampling!.PresencePenalty).InclusiveBetween(-2, 2).When(c => c.Sampling is not null);
        RuleFor(c => c.Sampling!.FrequencyPenalty).InclusiveBetween(-2, 2).When(c => c.Sampling is not null);
    }
}

public static class SavePresetEndpoint
{
    [WolverinePut("/api/v1/inference/presets/{name}", OperationId = "savePreset"), Authorize(Permissions.Models)]
    [EndpointSummary("Make or change a preset"), Tags("Presets")]
    [ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(409), ProducesResponseType<ProblemDetails>(422)]
    public static async Task<(PresetDetails, OutgoingMessages)> Put(
        string name, SavePreset command, IDocumentSession session, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        NameRefusals.CheckName(name);
        await session.LockAsync(ModelName.Lock, cancellation);
        var model = await session.LoadAsync<Model>(command.Base, cancellation) ?? throw ModelRefusals.NotFound(command.Base);
        if (command.ContextTokens > model.ContextTokens && model.ContextTokens > 0)
        {
            throw ModelRefusals.ContextTooLong(model);
        }

        var known = await session.LoadAsync<Preset>(name, cancellation);
        if (known?.Version != command.ExpectedVersion)
        {
            throw new Refusal(new Error(409, "preset.version_conflict", known is null
                ? "There is no such preset any more; leave expectedVersion out to make one."
                : $"The preset is there with version {known.Version}; read it again and say so with expectedVersion."));
        }

        if (known is null)
        {
            await TakeNameAsync(name, session, now, cancellation);
        }

        var saved = new Preset
        {
            Id = name,
            Base = command.Base,
            Description = command.Description,
            SystemPrompt = command.SystemPrompt,
            Sampling = command.Sampling ?? new PresetSampling(),
            ContextTokens = command.ContextTokens,
            MaxTokens = command.MaxTokens,
            Stop = command.Stop ?? [],
            KeepAliveMinutes = command.KeepAliveMinutes,
            Rights = known?.Rights ?? model.Rights,
            Version = (known?.Version ?? 0) + 1,
            CreatedAt = known?.CreatedAt ?? now,
            ChangedAt = now,
        };
        session.Store(saved);
        return (PresetDetails.ForAdministrators(saved), [new ActPerformed(Guid.CreateVersion7(now), currentUser.Id, "inference.preset_saved", $"model:{name}", now)]);
    }

    private static async Task TakeNameAsync(string name, IDocumentSession session, DateTimeOffset now, CancellationToken cancellation)
    {
        if (await session.LoadAsync<ModelName>(name, cancellation) is not null)
        {
            throw NameRefusals.Taken(name);
        }

        session.Insert(new ModelName { Id = name, CreatedAt = now });
    }
}
