using System.Text.Json;
using System.Text.Json.Serialization;
using LlmPlatform.Host.Messaging;
using LlmPlatform.Host.Web;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Npgsql;
using Wolverine.Http;

namespace LlmPlatform.Host;

/// <summary>The whole platform in one object: Program runs it, and a test may start as many as it likes.</summary>
public sealed class Platform : IAsyncDisposable
{
    private readonly IAsyncDisposable? database;

    private Platform(WebApplication app, IAsyncDisposable? database)
    {
        App = app;
        this.database = database;
    }

    public WebApplication App { get; }

    /// <summary>The first address it listens on, with the port that was really taken.</summary>
    public Uri Address => new(App.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First());

    /// <summary>Starts everything and returns when requests are served.</summary>
    public static async Task<Platform> StartAsync(string[] args, Action<WebApplicationBuilder>? adjust, CancellationToken cancellation)
    {
        var builder = CreateBuilder(args);
        builder.UseDatabase(NpgsqlDataSource.Create(builder.Configuration.GetConnectionString("Postgres")!));
        var app = Build(builder, ownsDatabase: false, adjust);
        await SchemaUpdate.ApplyAsync(app, cancellation);
        await app.StartAsync(cancellation);
        return new Platform(app, null);
    }

    /// <summary>Everything but a database: enough for commands that only look at the code.</summary>
    public static WebApplication BuildWithoutDatabase(string[] args)
    {
        var builder = CreateBuilder(args);
        builder.UseDatabase(NpgsqlDataSource.Create("Host=127.0.0.1;Port=1"));
        return Build(builder, ownsDatabase: true, adjust: null);
    }

    public async ValueTask DisposeAsync()
    {
        await App.StopAsync();
        await App.DisposeAsync();
        if (database is not null)
        {
            await database.DisposeAsync();
        }
    }

    private static WebApplicationBuilder CreateBuilder(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        if (builder.Configuration["Urls"] is null)
        {
            builder.WebHost.UseUrls("http://127.0.0.1:8080");
        }

        builder.Configuration["Data:Path"] = Path.GetFullPath(builder.Configuration["Data:Path"] ?? "data");
        return builder;
    }

    private static WebApplication Build(WebApplicationBuilder builder, bool ownsDatabase, Action<WebApplicationBuilder>? adjust)
    {
        builder.AddObservability();
        builder.AddHealth();
        builder.AddApiDocs();
        builder.AddSharedKernel();
        foreach (var module in Modules.All)
        {
            module.Register(builder);
        }

        builder.AddMessaging(ownsDatabase);
        builder.Services.AddWolverineHttp();
        builder.Services.AddAuthentication();
        builder.Services.AddAuthorization();
        builder.Services.AddExceptionHandler<Errors>();
        builder.Services.ConfigureHttpJsonOptions(options => Strict(options.SerializerOptions));
        builder.WebHost.ConfigureKestrel(Limits.Apply);
        adjust?.Invoke(builder);

        var app = builder.Build();
        app.UseRoadErrors();
        app.UseAuthentication();
        app.UseAuthorization();
        app.UseCaller();
        app.MapHealth();
        app.MapApiDocs();
        app.MapWolverineEndpoints(options => options.AddPolicy<ValidationPolicy>());
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
