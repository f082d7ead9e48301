using System.Text.Json;
using System.Text.Json.Serialization;
using LlmPlatform.Host.Messaging;
using LlmPlatform.Host.Web;
using LlmPlatform.SharedKernel;
using Npgsql;
using Wolverine.Http;

namespace LlmPlatform.Host;

/// <summary>The whole platform in one object: Program runs it, and a test may start as many as it likes.</summary>
public sealed class Platform : IAsyncDisposable
{
    private readonly Database database;

    private Platform(WebApplication app, Database database) => (App, this.database) = (app, database);

    public WebApplication App { get; }

    /// <summary>The first address it listens on, with the port that was really taken.</summary>
    public Uri Address => new(App.Urls.First());

    /// <summary>Starts everything and returns when requests are served.</summary>
    /// <param name="args">Configuration, as on the command line.</param>
    /// <param name="adjust">A test's last word on the services.</param>
    /// <param name="cancellation">Gives the start up.</param>
    public static async Task<Platform> StartAsync(string[] args, Action<WebApplicationBuilder>? adjust, CancellationToken cancellation)
    {
        var builder = CreateBuilder(args);
        var database = await Database.OpenAsync(builder.Configuration, cancellation);
        try
        {
            builder.UseDatabase(database.Source, database.Keys);
            var app = Build(builder, database.IsEmbedded, adjust);
            await database.ReadyAsync();
            await SchemaUpdate.ApplyAsync(app, cancellation);
            await app.StartAsync(cancellation);
            return new Platform(app, database);
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    /// <summary>Everything but a database: enough for commands that only look at the code.</summary>
    public static WebApplication BuildWithoutDatabase(string[] args)
    {
        var builder = CreateBuilder(args);
        var none = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1");
        builder.UseDatabase(none, none);
        return Build(builder, ownsDatabase: true, adjust: null);
    }

    public async ValueTask DisposeAsync()
    {
        await App.StopAsync();
        await App.DisposeAsync();
        await database.DisposeAsync();
    }

    private static WebApplicationBuilder CreateBuilder(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        if (builder.Configuration["Urls"] is null)
        {
            builder.WebHost.UseUrls("http://127.0.0.1:8080");
        }

        builder.Configuration["Data:Path"] = Path.GetFullPath(builder.Configuration["Data:Path"] ?? "data");
        builder.AddLogging();
        return builder;
    }

    private static WebApplication Build(WebApplicationBuilder builder, bool ownsDatabase, Action<WebApplicationBuilder>? adjust)
    {
        builder.AddTelemetry();
        builder.AddHealth();
        builder.AddApiDocs();
        builder.AddFrontDoor();
        RateLimits.Add(builder);
        builder.AddSharedKernel();
        builder.AddMessaging(ownsDatabase); // before the modules: what they start may already send messages
        foreach (var module in Modules.All)
        {
            module.Register(builder);
        }

        builder.Services.AddWolverineHttp();
        builder.Services.AddExceptionHandler<Errors>();
        builder.Services.ConfigureHttpJsonOptions(options => Strict(options.SerializerOptions));
        builder.WebHost.ConfigureKestrel(Limits.Apply);
        adjust?.Invoke(builder);

        var app = builder.Build();
        var rates = app.Services.GetRequiredService<RateLimits>();
        app.UseFrontDoor();
        app.UseRoadErrors();
        rates.UseForAddresses(app);
        app.UseAuthentication();
        rates.UseForCallers(app);
        foreach (var module in Modules.All)
        {
            module.Guard?.Invoke(app);
        }

        app.UseAuthorization();
        app.UseCaller();
        app.UseJsonBodies();
        app.UseIdempotency();
        app.MapHealth();
        app.MapApiDocs();
        app.MapWolverineEndpoints(options =>
        {
            options.AddPolicy<ValidationPolicy>();
            options.AddPolicy<IdempotencyPolicy>();
            options.AddParameterHandlingStrategy<AmbientParameters>();
            options.RejectUnparseableQueryValues = true;
        });
        foreach (var module in Modules.All)
        {
            module.MapRoads?.Invoke(app);
        }

        return app;
    }

    // A field nobody reads is a misunderstanding, and the second of two equal keys would win in silence: both are refused.
    private static void Strict(JsonSerializerOptions json)
    {
        json.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        json.AllowDuplicateProperties = false;
        json.NumberHandling = JsonNumberHandling.Strict;
        json.RespectNullableAnnotations = true;
        json.RespectRequiredConstructorParameters = true;
        json.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase));
    }
}
