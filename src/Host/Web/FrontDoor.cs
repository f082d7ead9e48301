using System.Diagnostics;
using System.Net;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.HttpOverrides;

namespace LlmPlatform.Host.Web;

/// <summary>What every request passes first, and what every answer carries.</summary>
internal static class FrontDoor
{
    private const string OwnOnly =
        "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; img-src 'self' data:; connect-src 'self'; form-action 'self'";

    // The page that shows the API starts itself with a script inside of it.
    private const string ApiPage = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; "
        + "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; connect-src 'self'; form-action 'self'";

    /// <summary>Believes <c>X-Forwarded-For</c> and <c>X-Forwarded-Proto</c> of the proxies that an operator named, and of nobody else.</summary>
    public static void AddFrontDoor(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(new HostNames(builder.Configuration));
        if (builder.Configuration.GetSection("Proxies").Get<string[]>() is { Length: > 0 } proxies)
        {
            builder.Services.Configure<ForwardedHeadersOptions>(options =>
            {
                options.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
                options.ForwardLimit = 1;
                options.KnownIPNetworks.Clear(); // loopback is among the defaults, and not every neighbour there is a proxy
                options.KnownProxies.Clear();
                foreach (var proxy in proxies)
                {
                    options.KnownIPNetworks.Add(System.Net.IPNetwork.Parse(proxy));
                }
            });
        }
    }

    public static void UseFrontDoor(this WebApplication app)
    {
        if (app.Configuration.GetSection("Proxies").Exists())
        {
            app.UseForwardedHeaders();
        }

        app.Use(static (context, next) =>
        {
            context.Response.OnStarting(static state => Finish((HttpContext)state), context);
            return next(context);
        });
        var names = app.Services.GetRequiredService<HostNames>();
        app.Use((context, next) => names.Are(context.Request.Host) || context.Request.Path.StartsWithSegments("/health")
            ? next(context)
            : context.WriteErrorAsync(new Error(400, "host.not_allowed", "This server does not answer to that name. An operator adds names with the settings PublicUrl and Hosts.")));
    }

    private static Task Finish(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers["X-Request-Id"] = Activity.Current?.TraceId.ToString() ?? context.TraceIdentifier;
        headers.XContentTypeOptions = "nosniff";
        headers.TryAdd("Referrer-Policy", "no-referrer");
        headers.TryAdd("Content-Security-Policy", context.Request.Path.StartsWithSegments("/scalar") ? ApiPage : OwnOnly);
        if (context.User.Identity is { IsAuthenticated: true })
        {
            headers.TryAdd("Cache-Control", "no-store");
        }

        if (context.Request.IsHttps)
        {
            headers.StrictTransportSecurity = "max-age=31536000";
        }

        return Task.CompletedTask;
    }
}

/// <summary>
/// The names that this server answers to. A web page may send its visitors' browsers here under a name of its own and let that name mean this
/// machine (DNS rebinding); so names are only those of this machine and those that an operator set. An address cannot be bent that way.
/// </summary>
internal sealed class HostNames
{
    private readonly HashSet<string> names = new(StringComparer.OrdinalIgnoreCase) { "localhost" };

    public HostNames(IConfiguration configuration)
    {
        names.UnionWith(configuration.GetSection("Hosts").Get<string[]>() ?? []);
        if (configuration["PublicUrl"] is { Length: > 0 } address)
        {
            names.Add(new Uri(address).IdnHost);
        }

        foreach (var url in configuration["Urls"]?.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [])
        {
            names.Add(BindingAddress.Parse(url).Host); // what it listens on by name
        }
    }

    /// <summary>Whether a request is for this server.</summary>
    public bool Are(HostString host) => host.HasValue && (IPAddress.TryParse(host.Host.Trim('[', ']'), out _) || names.Contains(host.Host));
}
