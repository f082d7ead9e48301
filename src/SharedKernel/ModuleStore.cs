using JasperFx.Events;
using Marten;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Weasel.Core;
using Wolverine.Marten;

namespace LlmPlatform.SharedKernel;

public static class ModuleStore
{
    /// <summary>Adds a module's own Marten store, in its own schema of the one database, enrolled in the one outbox.</summary>
    public static void AddModuleStore<TStore>(this IHostApplicationBuilder builder, string schema, Action<StoreOptions> configure)
        where TStore : class, IDocumentStore
    {
        var database = builder.Database();
        builder.Services.AddMartenStore<TStore>(options =>
        {
            options.UseDatabase(database, schema);
            configure(options);
        }).IntegrateWithWolverine();
    }

    /// <summary>The settings that every store of the platform shares, the envelope store included.</summary>
    public static void UseDatabase(this StoreOptions options, NpgsqlDataSource database, string schema)
    {
        options.Connection(database);
        options.DatabaseSchemaName = schema;
        options.DisableNpgsqlLogging = true;
        options.Events.StreamIdentity = StreamIdentity.AsGuid;
        options.UseSystemTextJsonForSerialization(EnumStorage.AsString, Casing.CamelCase);
    }

    /// <summary>The one connection pool: five pools of their own would hold five times the idle servers.</summary>
    public static NpgsqlDataSource Database(this IHostApplicationBuilder builder) => (NpgsqlDataSource)builder.Properties[typeof(NpgsqlDataSource)];

    /// <summary>
    /// A few connections for looking up keys. Work that holds a connection of the one pool, and perhaps a lock, asks for keys on the way: if it had to
    /// wait for a second connection of the same pool, all of them could be held by those who wait for it.
    /// </summary>
    internal static NpgsqlDataSource KeyDatabase(this IHostApplicationBuilder builder) => (NpgsqlDataSource)builder.Properties[nameof(KeyDatabase)];

    public static void UseDatabase(this IHostApplicationBuilder builder, NpgsqlDataSource database, NpgsqlDataSource keys) =>
        (builder.Properties[typeof(NpgsqlDataSource)], builder.Properties[nameof(KeyDatabase)]) = (database, keys);
}
