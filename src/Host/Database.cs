using System.Reflection;
using LlmPlatform.Host.EmbeddedPostgres;
using Npgsql;
using Serilog.Extensions.Logging;
using Server = LlmPlatform.Host.EmbeddedPostgres.EmbeddedPostgres;

namespace LlmPlatform.Host;

/// <summary>The data folder, held for this host's life, and the database: our own child, or a server that an operator named.</summary>
internal sealed class Database : IAsyncDisposable
{
    // The embedded server takes 100 connections. Marten, the bus and plain SQL share this one pool.
    private const int PoolSize = 60;
    private const int KeyPoolSize = 8;

    private readonly DataFolder folder;
    private readonly Server? server;
    private readonly Task serverStart;

    private Database(DataFolder folder, Server? server, NpgsqlConnectionStringBuilder connection, CancellationToken cancellation)
    {
        (this.folder, this.server, Source) = (folder, server, NpgsqlDataSource.Create(connection));
        Keys = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connection.ConnectionString) { MaxPoolSize = KeyPoolSize });
        serverStart = server?.StartAsync(cancellation) ?? Task.CompletedTask;
    }

    /// <summary>Usable once <see cref="ReadyAsync"/> has returned.</summary>
    public NpgsqlDataSource Source { get; }

    /// <summary>Connections of their own for keys, which are looked up in the midst of other work.</summary>
    public NpgsqlDataSource Keys { get; }

    public bool IsEmbedded => server is not null;

    /// <summary>Takes the data folder and starts the server; the caller goes on while it comes up.</summary>
    public static async Task<Database> OpenAsync(IConfiguration configuration, CancellationToken cancellation)
    {
        var folder = DataFolder.Open(configuration["Data:Path"]!, TimeProvider.System);
        try
        {
            var server = configuration.GetConnectionString("Postgres") is null ? await PrepareAsync(folder, configuration, cancellation) : null;
            var connection = new NpgsqlConnectionStringBuilder(server?.ConnectionString ?? configuration.GetConnectionString("Postgres"))
            {
                MaxPoolSize = PoolSize,
                ApplicationName = "llmplatform",
            };
            return new Database(folder, server, connection, cancellation);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    public Task ReadyAsync() => serverStart;

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        await Keys.DisposeAsync();
        if (server is not null)
        {
            await server.DisposeAsync();
        }

        folder.Dispose();
    }

    private static Task<Server> PrepareAsync(DataFolder folder, IConfiguration configuration, CancellationToken cancellation)
    {
        // Serilog's own logger, because the server starts before the host has built its services.
        var logger = new SerilogLoggerFactory().CreateLogger("PostgreSQL");
        return Server.PrepareAsync(new EmbeddedPostgresOptions(folder.Path, BinariesPath(configuration), logger) { User = configuration["Postgres:User"] }, cancellation);
    }

    // Published hosts carry the binaries beside them; a build remembers where npm put them.
    private static string BinariesPath(IConfiguration configuration)
    {
        var beside = Path.Combine(AppContext.BaseDirectory, "native", "postgres");
        return configuration["Postgres:BinariesPath"]
            ?? (Directory.Exists(beside) ? beside : null)
            ?? typeof(Database).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(a => a.Key == "PostgresPath").Value!;
    }
}
