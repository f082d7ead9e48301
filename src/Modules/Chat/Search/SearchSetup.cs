using JasperFx.Events.Projections;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmPlatform.Chat.Search;

internal static class SearchSetup
{
    public static void AddSearch(this StoreOptions options)
    {
        foreach (var table in SearchSchema.Tables(options.DatabaseSchemaName))
        {
            options.Storage.ExtendedSchemaObjects.Add(table);
        }
    }

    public static void AddSearch(this IServiceCollection services)
    {
        // Beside the other projections because it needs services: it opens what it reads.
        services.ConfigureMarten<IChatStore>((s, options) => options.Projections.Add(
            new SearchProjection(s.GetRequiredService<SubjectVault>(), s.GetRequiredService<ILogger<SearchProjection>>()),
            ProjectionLifecycle.Async,
            SearchProjection.Name,
            rebuild =>
            {
                foreach (var table in SearchSchema.Tables(options.DatabaseSchemaName))
                {
                    rebuild.DeleteDataInTableOnTeardown(table.Identifier.QualifiedName);
                }
            }));
        services.AddSingleton<SearchShard>();
        services.AddSingleton<Vocabularies>();
        services.AddSingleton<Snippets>();
        services.AddSingleton<ConversationSearch>();
        services.AddSingleton(s => new FindConversations(s.GetRequiredService<ConversationSearch>()));
    }
}
