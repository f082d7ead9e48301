using LlmPlatform.Explore.Catalogue;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.Extensions.Hosting;

namespace LlmPlatform.Explore;

public interface IExploreStore : IDocumentStore;

/// <summary>The module's contents on one page.</summary>
public static class ExploreModule
{
    public static readonly AppModule Definition = new("explore", typeof(IExploreStore), builder => builder.AddExploreModule());

    private static void AddExploreModule(this IHostApplicationBuilder builder) =>
        builder.AddModuleStore<IExploreStore>(Definition.Schema, options => options.Schema.For<CatalogueEntry>().Identity(e => e.Id));
}
