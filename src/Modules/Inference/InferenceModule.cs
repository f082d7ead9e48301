using FluentValidation;
using JasperFx.Core;
using JasperFx.Events.Projections;
using LlmPlatform.Auth.Contracts;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Generation;
using LlmPlatform.Inference.Installs;
using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.Names;
using LlmPlatform.Inference.OpenAi;
using LlmPlatform.Inference.Presets;
using LlmPlatform.Inference.Quotas;
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
        MapRoads = routes =>
        {
            routes.MapOpenAi();
            routes.MapUploads();
        },
        Messaging = options =>
        {
            // A host that stops breaks its installs off; they go on at the next start instead of dying as dead letters.
            options.OnException<OperationCanceledException>().ScheduleRetry(2.Seconds(), 10.Seconds(), 60.Seconds());

            // Downloads wait for the network and not for the processor; those that share a file wait for one another.
            options.LocalQueueFor<RunInstall>().MaximumParallelMessages(MostInstalls);
        },
    };

    private const int MostInstalls = 16;

    private static void AddInferenceModule(this IHostApplicationBuilder builder)
    {
        builder.AddModuleStore<IInferenceStore>(Definition.Schema, Configure);
        builder.Services.Configure<EngineOptions>(builder.Configuration.GetSection("Inference"));
        builder.Services.AddSingleton<ModelFiles>();
        builder.Services.AddSingleton<ModelDirectory>();
        builder.Services.AddSingleton<IModelCatalog>(s => s.GetRequiredService<ModelDirectory>());
        builder.Services.AddSingleton<IModelTargets>(s => s.GetRequiredService<ModelDirectory>());
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
        services.AddSingleton<IMemoryFit>(s => new MemoryFit(s.GetRequiredService<MemoryBudget>(), s.GetRequiredService<AvailableMemory>(), () => s.GetRequiredService<EngineCheck>().Gpus));
        services.AddSingleton(s => new ModelOverview(s.GetRequiredService<WorkerPool>(), s.GetRequiredService<LoadPlanner>(), s.GetRequiredService<ModelFiles>()));
        services.AddSingleton<IValidator<ModelChange>, ModelChangeValidator>();
        services.AddSingleton<IValidator<SetAlias>, SetAliasValidator>();
        services.AddSingleton<IValidator<SetRights>, SetRightsValidator>();
        services.AddSingleton<IValidator<SetDefaultModel>, SetDefaultModelValidator>();
        services.AddSingleton<IValidator<SavePreset>, SavePresetValidator>();
        services.AddSingleton(s => new WorkerPool(
            s.GetRequiredService<EngineFiles>(),
            s.GetRequiredService<LoadPlanner>(),
            s.GetRequiredService<MemoryBudget>(),
            s.GetRequiredService<IOptions<EngineOptions>>(),
            s.GetRequiredService<GenerationMetrics>(),
            s.GetRequiredService<TimeProvider>(),
            s.GetRequiredService<ILogger<WorkerPool>>()));
        services.AddSingleton<QuotaLedger>();
        services.AddSingleton<RunningRequests>();
        services.AddHostedService(s => s.GetRequiredService<RunningRequests>());
        services.AddSingleton<Metering>();
        services.AddSingleton(s => new QuotaBalances(s.GetRequiredService<IModelTargets>(), s.GetRequiredService<Metering>(), s.GetRequiredService<QuotaLedger>()));
        services.AddSingleton<BillShard>();
        services.AddSingleton<IUsageReports, UsageReports>();
        services.AddSingleton<IValidator<SetPrice>, SetPriceValidator>();
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
        services.AddSingleton<IPersonalData, InstallPersonalData>();
        services.AddSingleton<IPersonalData, UsagePersonalData>();
        services.AddSingleton<InstallOverview>();
        services.AddSingleton<Uploads>();
        services.AddSingleton(builder.Configuration.GetSection("Inference").Get<InstallOptions>() ?? new InstallOptions());
        services.AddSingleton(s => new Installer(
            new Fetcher(
                s.GetRequiredService<GuardedHttp>(),
                s.GetRequiredService<InstallSources>(),
                s.GetRequiredService<ModelFiles>(),
                s.GetRequiredService<InstallOptions>(),
                s.GetRequiredService<TimeProvider>()),
            new FileFinder(s.GetRequiredService<GuardedHttp>(), s.GetRequiredService<InstallSources>(), s.GetRequiredService<InstallOptions>()),
            s.GetRequiredService<ModelFiles>(),
            s.GetRequiredService<EngineProbe>(),
            s.GetRequiredService<InstallOptions>()));
        services.AddSingleton<RequestInstallValidator>();
        services.AddSingleton<IValidator<RequestInstall>>(s => s.GetRequiredService<RequestInstallValidator>());
        services.AddHostedService<Reconciliation>();
        services.AddHostedService<ContinueInstalls>();
        services.AddHostedService<PinnedModels>(); // after the reconciliation, which says what has lost its file
    }

    private static void Configure(StoreOptions options)
    {
        options.Events.MapEventType<InstallRequested>("inference.install_requested.v1");
        options.Events.MapEventType<InstallLocated>("inference.install_located.v1");
        options.Events.MapEventType<InstallPaused>("inference.install_paused.v1");
        options.Events.MapEventType<InstallResumed>("inference.install_resumed.v1");
        options.Events.MapEventType<InstallSucceeded>("inference.install_succeeded.v1");
        options.Events.MapEventType<InstallFailed>("inference.install_failed.v1");
        options.Events.MapEventType<InstallCancelled>("inference.install_cancelled.v1");
        options.Projections.Snapshot<Install>(SnapshotLifecycle.Inline);
        options.Schema.For<Install>().Index(i => i.Key!);
        options.Events.MapEventType<ModelConfigured>("inference.model_configured.v1");
        options.Projections.Snapshot<ModelConfiguration>(SnapshotLifecycle.Inline);
        options.AddQuotaLedger();
        options.Events.MapEventType<UsageRecorded>("inference.usage_recorded.v1");
        options.Projections.Add<BillProjection>(ProjectionLifecycle.Async);
        options.Schema.For<ModelPrice>().Identity(p => p.Id).Index(p => p.Model);
        options.Schema.For<Bill>().Identity(b => b.Id);
        options.Schema.For<Model>().Identity(m => m.Id).Index(m => m.Digest);
        options.Schema.For<ModelName>().Identity(n => n.Id).Index(n => n.AliasOf!);
        options.Schema.For<DefaultModel>().Identity(d => d.Id);
        options.Schema.For<Preset>().Identity(p => p.Id).Index(p => p.Base);
    }
}
