using FluentValidation;
using LlmPlatform.Admin.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine;
using Wolverine.Http;

namespace LlmPlatform.Inference.Models;

/// <summary>Says how a model is to be run from its next load on. What is left out stays as it is; what <c>reset</c> names goes back to the platform's choice.</summary>
public sealed record ConfigureModel(
    int? ContextTokens = null,
    KvCacheType? KvCacheType = null,
    int? KeepAliveMinutes = null,
    int? Slots = null,
    int? Threads = null,
    IReadOnlyList<string>? Reset = null)
{
    internal ModelSettings ApplyTo(ModelSettings settings) => new(
        ContextTokens ?? Kept("contextTokens", settings.ContextTokens),
        KvCacheType ?? Kept("kvCacheType", settings.KvCacheType),
        KeepAliveMinutes ?? Kept("keepAliveMinutes", settings.KeepAliveMinutes),
        Slots ?? Kept("slots", settings.Slots),
        Threads ?? Kept("threads", settings.Threads));

    private T? Kept<T>(string name, T? value)
        where T : struct => Reset?.Contains(name) == true ? null : value;
}

internal sealed class ConfigureModelValidator : AbstractValidator<ConfigureModel>
{
    private const int OneYear = 366 * 24 * 60;

    // The engine's own limits.
    private const int MostSlots = 64;
    private const int MostThreads = 512;

    private static readonly string[] Names = ["contextTokens", "kvCacheType", "keepAliveMinutes", "slots", "threads"];

    public ConfigureModelValidator()
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
    [WolverinePatch("/api/v1/inference/models/{name}", OperationId = "configureModel"), Authorize(Policies.Administrator)]
    [EndpointSummary("Change how a model is run, from its next load on"), Tags("Models"), ProducesResponseType<ProblemDetails>(404), ProducesResponseType<ProblemDetails>(422)]
    public static async Task<(ModelDetails, OutgoingMessages)> Patch(
        string name, ConfigureModel command, IDocumentSession session, ModelOverview overview, CurrentUser currentUser, DateTimeOffset now, CancellationToken cancellation)
    {
        await session.LockAsync(ModelConfiguration.LockOf(name), cancellation);
        var model = await session.LoadAsync<Model>(name, cancellation) ?? throw ModelRefusals.NotFound(name);
        var before = await session.SettingsOfAsync(model, cancellation);
        var settings = command.ApplyTo(before);
        overview.Check(model, settings);
        if (settings == before)
        {
            return (overview.Of(model, before), []);
        }

        var configured = new ModelConfigured(model.ConfigurationId ?? Guid.CreateVersion7(now), name, settings, currentUser.Id, now);
        if (model.ConfigurationId is null)
        {
            session.Events.StartStream<ModelConfiguration>(configured.ConfigurationId, configured);
            session.Update(model with { ConfigurationId = configured.ConfigurationId });
        }
        else
        {
            session.Events.Append(configured.ConfigurationId, configured);
        }

        return (overview.Of(model, settings),
            [new ActPerformed(Guid.CreateVersion7(now), currentUser.Id, "inference.model_configured", $"model:{name}", now)]);
    }
}
