using LlmPlatform.Host.Web;
using LlmPlatform.SharedKernel;
using Marten;
using Npgsql;
using Wolverine.Persistence.Durability;

namespace LlmPlatform.Host;

/// <summary>Brings every schema up to date before anything listens: no request ever meets half a schema.</summary>
internal static class SchemaUpdate
{
    public static async Task ApplyAsync(WebApplication app, CancellationToken cancellation)
    {
        await SharedSchema.ApplyAsync(app.Services.GetRequiredService<NpgsqlDataSource>(), cancellation);
        await app.Services.GetRequiredService<IMessageStore>().Admin.MigrateAsync();
        var stores = Modules.All.Select(module => (IDocumentStore)app.Services.GetRequiredService(module.Store));
        await Task.WhenAll(stores.Select(store => store.Storage.ApplyAllConfiguredChangesToDatabaseAsync()));
        app.Services.GetRequiredService<StartState>().SchemaIsCurrent = true;
    }
}
