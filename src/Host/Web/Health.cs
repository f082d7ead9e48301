using LlmPlatform.SharedKernel;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using Wolverine.Runtime;

namespace LlmPlatform.Host.Web;

/// <summary>What the platform has finished of its own start.</summary>
internal sealed class StartState
{
    public bool SchemaIsCurrent { get; set; }
}

/// <summary>Live: the process answers. Ready: the schema is current, the bus runs and the native library loads in a probe worker.</summary>
internal static class Health
{
    private const string Ready = "ready";

    public static void AddHealth(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<StartState>();
        builder.Services.AddHealthChecks()
            .AddCheck<SchemaCheck>("schema", tags: [Ready])
            .AddCheck<BusCheck>("bus", tags: [Ready]);
    }

    public static void MapHealth(this WebApplication app)
    {
        app.MapGet("/health/live", () => TypedResults.Ok(new HealthAnswer("healthy", new Dictionary<string, string>())))
            .WithSummary("Is the process alive?").WithTags("Health").AllowAnonymous();
        app.MapGet("/health/ready", AnswerAsync)
            .Produces<HealthAnswer>(StatusCodes.Status503ServiceUnavailable)
            .WithSummary("Can requests be served?").WithTags("Health").AllowAnonymous();
        app.MapPrometheusScrapingEndpoint("/metrics").RequireAuthorization(Permissions.Metrics);
    }

    private static async Task<IResult> AnswerAsync(HealthCheckService checks, CancellationToken cancellation)
    {
        var report = await checks.CheckHealthAsync(check => check.Tags.Contains(Ready), cancellation);
        var answer = new HealthAnswer(
            report.Status == HealthStatus.Healthy ? "ready" : "starting",
            report.Entries.ToDictionary(e => e.Key, e => e.Value.Description ?? e.Value.Status.ToString()));
        return report.Status == HealthStatus.Healthy ? TypedResults.Ok(answer) : TypedResults.Json(answer, statusCode: StatusCodes.Status503ServiceUnavailable);
    }

    internal sealed record HealthAnswer(string Status, IReadOnlyDictionary<string, string> Checks);

    private sealed class SchemaCheck(StartState state, NpgsqlDataSource database) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken)
        {
            if (!state.SchemaIsCurrent)
            {
                return HealthCheckResult.Unhealthy("The schema is being brought up to date.");
            }

            try
            {
                await using var ping = database.CreateCommand("select 1");
                await ping.ExecuteScalarAsync(cancellationToken);
                return HealthCheckResult.Healthy("ok");
            }
            catch (NpgsqlException)
            {
                return HealthCheckResult.Unhealthy("The database does not answer.");
            }
        }
    }

    private sealed class BusCheck(IWolverineRuntime runtime, IHostApplicationLifetime lifetime) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken) =>
            Task.FromResult(lifetime.ApplicationStarted.IsCancellationRequested && !runtime.Cancellation.IsCancellationRequested
                ? HealthCheckResult.Healthy("ok")
                : HealthCheckResult.Unhealthy("The message bus is not running."));
    }
}
