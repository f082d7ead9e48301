using LlmPlatform.Explore.Catalogue;
using LlmPlatform.Explore.Hub;
using LlmPlatform.Explore.Search;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using LlmPlatform.SharedKernel.Outside;
using Marten;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace LlmPlatform.Explore;

public interface IExploreStore : IDocumentStore;

/// <summary>The module's contents on one page.</summary>
public static class ExploreModule
{
    public static readonly AppModule Definition = new("explore", typeof(IExploreStore), builder => builder.AddExploreModule());

    private static void AddExploreModule(this IHostApplicationBuilder builder)
    {
        builder.AddModuleStore<IExploreStore>(Definition.Schema, options =>
        {
            options.AddModels();
            options.AddHubAnswers();
        });
        var services = builder.Services;
        services.AddSingleton(s => new ModelWriter(s.GetRequiredService<NpgsqlDataSource>(), s.GetRequiredService<IMemoryFit>(), s.GetRequiredService<TimeProvider>()));
        services.AddHostedService<SeedCuratedList>();
        services.AddSingleton(s => new ModelSearch(s.GetRequiredService<NpgsqlDataSource>()));
        services.AddSingleton(s => new CatalogueSearch(s.GetRequiredService<ModelSearch>(), s.GetRequiredService<HubCatalogue>(), s.GetRequiredService<TimeProvider>()));
        builder.AddHub();
    }

    private static void AddHub(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton(s => new HubClient(s.GetRequiredService<GuardedHttp>(), s.GetRequiredService<HubAddress>(), s.GetRequiredService<TimeProvider>()));
        services.AddSingleton(s => new HubCache(s.GetRequiredService<NpgsqlDataSource>(), s.GetRequiredService<TimeProvider>()));
        services.AddSingleton(s => new HubCatalogue(
            s.GetRequiredService<HubClient>(), s.GetRequiredService<HubAddress>(), s.GetRequiredService<HubCache>(), s.GetRequiredService<ModelWriter>()));
    }
}
