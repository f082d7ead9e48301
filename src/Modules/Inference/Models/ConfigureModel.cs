using FluentValidation;
using LlmPlatform.Admin.Contracts;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Names;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Inference.Models;

internal sealed class ModelChangeValidator : AbstractValidator<ModelChange>
{
    public const int OneYear = 366 * 24 * 60;

    // The engine's own limits.
    private const int MostSlots = 64;
    private const int MostThreads = 512;

    private static readonly string[] Names = ["contextTokens", "kvCacheType", "keepAliveMinutes", "slots", "threads", "pinned"];

    public ModelChangeValidator()
    {
        RuleFor(c => c.ContextTokens).InclusiveBetween(256, 1 << 28);
        RuleFor(c => c.KvCacheType).IsInEnum();
        RuleFor(c => c.KeepAliveMinutes).InclusiveBetween(ModelSettings.ForEver, OneYear);
        RuleFor(c => c.Slots).InclusiveBetween(1, MostSlots);
        RuleFor(c => c.Threads).InclusiveBetween(1, MostThreads);
        RuleForEach(c => c.Reset).Must(name => Names.Contains(name)).WithMessage($"What can be reset: {string.Join(", ", Names)}.");
    }
}

public static class ConfigureModelEndpoint
{
    [WolverinePatch("/api/v1/inference/models/{name}", OperationId = "configureModel"), Authorize(Permissions.Models)]
    [EndpointSummary("Change how a model is run, from its next load on"), Tags("Models"), ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(422)]
    public static async Task<(ModelDetails, OutgoingMessages)> Patch(
        string name, ModelChange change, IDocumentSession session, ModelOverview overview, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        var (model, settings, messages) = await Configuring.ApplyAsync(session, overview, name, change, currentUser.Id, now, cancellation);
        return (overview.Of(model, settings), messages);
    }
}

public static class ConfigureModelHandler
{
    public static Task<OutgoingMessages> Handle(
        ConfigureModel command, IDocumentSession session, ModelOverview overview, IValidator<ModelChange> validator, TimeProvider time, CancellationToken cancellation) =>
        ModelCommands.CarryOutAsync(command.CommandId, command.Name, time, async cancellation =>
        {
            if (await validator.ValidateAsync(command.Change, cancellation) is { IsValid: false } problems)
            {
                throw new Refusal(new Error(400, "param.invalid", problems.ToString(" ")));
            }

            return (await Configuring.ApplyAsync(session, overview, command.Name, command.Change, command.By, time.GetUtcNow(), cancellation)).Messages;
        }, cancellation);
}

internal static class Configuring
{
    public static async Task<(Model Model, ModelSettings Settings, OutgoingMessages Messages)> ApplyAsync(
        IDocumentSession session, ModelOverview overview, string name, ModelChange change, Guid by, DateTimeOffset now, CancellationToken cancellation)
    {
        await session.LockAsync(ModelName.Lock, cancellation);
        var model = await session.LoadAsync<Model>(name, cancellation) ?? throw ModelRefusals.NotFound(name);
        var before = await session.SettingsOfAsync(model, cancellation);
        var settings = change.ApplyTo(before);
        overview.Check(model, settings);
        if (settings == before)
        {
            return (model, before, []);
        }

        var configured = new ModelConfigured(model.ConfigurationId ?? Guid.CreateVersion7(now), name, settings, by, now);
        if (model.ConfigurationId is null)
        {
            session.Events.StartStream<ModelConfiguration>(configured.ConfigurationId, configured);
            session.Update(model with { ConfigurationId = configured.ConfigurationId });
        }
        else
        {
            session.Events.Append(configured.ConfigurationId, configured);
        }

        OutgoingMessages messages = [new ActPerformed(Guid.CreateVersion7(now), by, "inference.model_configured", $"model:{name}", now)];
        if (settings.Pinned != before.Pinned)
        {
            messages.Add(new PinModel(name));
        }

        return (model, settings, messages);
    }

    private static ModelSettings ApplyTo(this ModelChange change, ModelSettings settings)
    {
        return new ModelSettings(
            change.ContextTokens ?? Kept("contextTokens", settings.ContextTokens),
            change.KvCacheType ?? Kept("kvCacheType", settings.KvCacheType),
            change.KeepAliveMinutes ?? Kept("keepAliveMinutes", settings.KeepAliveMinutes),
            change.Slots ?? Kept("slots", settings.Slots),
            change.Threads ?? Kept("threads", settings.Threads))
        {
            Pinned = change.Pinned ?? Kept("pinned", settings.Pinned),
        };

        T? Kept<T>(string name, T? value)
            where T : struct => change.Reset?.Contains(name) == true ? null : value;
    }
}
