using System.Globalization;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Serilog;
using Serilog.Events;
using Serilog.Formatting.Compact;

namespace LlmPlatform.Host.Web;

/// <summary>Logs, traces and metrics. Logs hold ids and counts, never prompts, bodies or secrets.</summary>
internal static class Observability
{
    public static void AddLogging(this WebApplicationBuilder builder)
    {
        Log.Logger = Configure(builder.Configuration);
        builder.Services.AddSerilog();
    }

    public static void AddTelemetry(this WebApplicationBuilder builder)
    {
        var otlp = builder.Configuration["Telemetry:Otlp"];
        var telemetry = builder.Services.AddOpenTelemetry().ConfigureResource(resource => resource.AddService("llmplatform"));
        telemetry.WithMetrics(metrics =>
        {
            metrics.AddMeter("Wolverine*", "Marten", "Npgsql", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime", "LlmPlatform.*");
            metrics.AddPrometheusExporter();
            if (otlp is not null)
            {
                metrics.AddOtlpExporter(exporter => exporter.Endpoint = new Uri(otlp));
            }
        });

        // Spans cost time on every request, so they are made only where somebody collects them.
        if (otlp is not null)
        {
            telemetry.WithTracing(tracing => tracing
                .AddSource("Wolverine", "Marten", "Npgsql", "LlmPlatform.*")
                .AddAspNetCoreInstrumentation(options => options.Filter = context => !context.Request.Path.StartsWithSegments("/health"))
                .AddOtlpExporter(exporter => exporter.Endpoint = new Uri(otlp)));
        }
    }

    private static Serilog.ILogger Configure(IConfiguration configuration)
    {
        var level = Enum.TryParse<LogEventLevel>(configuration["Logging:Level"], ignoreCase: true, out var wanted) ? wanted : LogEventLevel.Information;
        var logger = new LoggerConfiguration()
            .MinimumLevel.Is(level)
            .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
            .MinimumLevel.Override("Microsoft.Extensions.Diagnostics.HealthChecks", LogEventLevel.Fatal) // whoever asks gets the answer
            .MinimumLevel.Override("System.Net.Http", LogEventLevel.Warning)
            .MinimumLevel.Override("Wolverine", LogEventLevel.Warning)
            .MinimumLevel.Override("Marten", LogEventLevel.Warning)
            .MinimumLevel.Override("JasperFx", LogEventLevel.Warning)
            .MinimumLevel.Override("Npgsql", LogEventLevel.Warning)
            // The bus logs commands that fail with all they hold; whoever sent them to it gets the exception, and logs what is to be logged.
            .Filter.ByExcluding(e => e.MessageTemplate.Text.StartsWith("Invocation of ", StringComparison.Ordinal))
            .Enrich.FromLogContext();

        // A person at a terminal reads lines. Anything else reads JSON, where no text can forge a line of its own.
        return Console.IsOutputRedirected
            ? logger.WriteTo.Console(new RenderedCompactJsonFormatter()).CreateLogger()
            : logger.WriteTo.Console(outputTemplate: "{Timestamp:HH:mm:ss} {Level:u3} {Message}{NewLine}{Exception}", formatProvider: CultureInfo.InvariantCulture).CreateLogger();
    }
}
