using FluentValidation;
using JasperFx.Core;
using JasperFx.Events.Projections;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Generation;
using LlmPlatform.Inference.Installs;
using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.OpenAi;
using LlmPlatform.Inference.Workers;
using LlmPlatform.SharedKernel;
using LlmPlatform.SharedKernel.Outside;
using Marten;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Wolverine.ErrorHandling;

namespace LlmPlatform.Inference;

public interface IInferenceStore : IDocumentStore;

/// <summary>The module's contents on one page.</summary>
public static class InferenceModule
{
    public static readonly AppModule Definition = new("inference", typeof(IInferenceStore), builder => builder.AddInferenceModule())
    {
        MapRoads = routes => routes.MapOpenAi(),

        // A host that stops breaks its installs off; they go on at the next start instead of dying as dead letters.
        Messaging = options => options.OnException<OperationCanceledException>().ScheduleRetry(2.Seconds(), 10.Seconds(), 60.Seconds()),
    };

    private static void AddInferenceModule(this IHostApplicationBuilder builder)
    {
        builder.AddModuleStore<IInferenceStore>(Definition.Schema, Configure);
        builder.Services.Configure<EngineOptions>(builder.Configuration.GetSection("Inference"));
        builder.Services.AddSingleton<ModelFiles>();
        builder.Services.AddSingleton<IModelCatalog, ModelCatalog>();
        builder.AddGeneration();
        builder.AddInstalls();
    }

    private static void AddGeneration(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton<EngineFiles>();
        services.AddSingleton<GenerationMetrics>();
        services.AddSingleton(s => new EngineProbe(s.GetRequiredService<EngineFiles>(), s.GetRequiredService<IOptions<EngineOptions>>(), s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IModelSettings, ConfiguredModels>();
        services.AddSingleton<LoadPlanner>();
        services.AddSingleton<AvailableMemory>(_ => new AvailableMemory());
        services.AddSingleton(s => new MemoryBudget(s.GetRequiredService<IOptions<EngineOptions>>().Value.MemoryBudget, s.GetRequiredService<AvailableMemory>().Read));
        services.AddSingleton<IMemoryFit>(s => new MemoryFit(s.GetRequiredService<MemoryBudget>(), s.GetRequiredService<AvailableMemory>()));
        services.AddSingleton(s => new ModelOverview(s.GetRequiredService<WorkerPool>(), s.GetRequiredService<LoadPlanner>()));
        services.AddSingleton<IValidator<ConfigureModel>, ConfigureModelValidator>();
        services.AddSingleton(s => new WorkerPool(
            s.GetRequiredService<EngineFiles>(),
            s.GetRequiredService<IModelCatalog>(),
            s.GetRequiredService<LoadPlanner>(),
            s.GetRequiredService<MemoryBudget>(),
            s.GetRequiredService<IOptions<EngineOptions>>(),
            s.GetRequiredService<GenerationMetrics>(),
            s.GetRequiredService<TimeProvider>(),
            s.GetRequiredService<ILogger<WorkerPool>>()));
        services.AddSingleton<EngineCalls>();
        services.AddSingleton<ModelTexts>();
        services.AddSingleton<TextGenerator>();
        services.AddSingleton<ITextGenerator>(s => s.GetRequiredService<TextGenerator>());
        services.AddHealthChecks().AddCheck<EngineCheck>("engine", tags: ["ready"]);
        services.AddSingleton<EngineCheck>();
        services.AddHostedService(s => s.GetRequiredService<EngineCheck>());
    }

    private static void AddInstalls(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton(s => new InstallSources(s.GetRequiredService<IConfiguration>(), s.GetRequiredService<AddressGuard>()));
        services.AddSingleton<RunningInstalls>();
        services.AddSingleton(s => new Installer(
            s.GetRequiredService<InstallSources>(),
            s.GetRequiredService<GuardedHttp>(),
            s.GetRequiredService<ModelFiles>(),
            s.GetRequiredService<EngineProbe>(),
            s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IValidator<RequestInstall>, RequestInstallValidator>();
        services.AddHostedService<LeftoverFiles>();
    }

    private static void Configure(StoreOptions options)
    {
        options.Events.MapEventType<InstallRequested>("inference.install_requested.v1");
        options.Events.MapEventType<InstallSucceeded>("inference.install_succeeded.v1");
        options.Events.MapEventType<InstallFailed>("inference.install_failed.v1");
        options.Events.MapEventType<InstallCancelled>("inference.install_cancelled.v1");
        options.Projections.Snapshot<Install>(SnapshotLifecycle.Inline);
        options.Events.MapEventType<ModelConfigured>("inference.model_configured.v1");
        options.Projections.Snapshot<ModelConfiguration>(SnapshotLifecycle.Inline);
        options.Schema.For<Model>().Identity(m => m.Id).Index(m => m.Digest);
        options.Schema.For<ModelName>().Identity(n => n.Id);
    }
}
