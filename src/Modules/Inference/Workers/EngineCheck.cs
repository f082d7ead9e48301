using LlmPlatform.Inference.Contracts;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LlmPlatform.Inference.Workers;

/// <summary>Whether the native library loads, found out once per start in a throw-away worker, beside everything else that starts.</summary>
internal sealed partial class EngineCheck(EngineProbe probe, ILogger<EngineCheck> logger) : BackgroundService, IHealthCheck
{
    private volatile ProbeResult? result;

    /// <summary>Graphics processors, as they were when the host started.</summary>
    public IReadOnlyList<GpuMemory> Gpus => [.. (result?.Devices ?? []).Where(d => d.IsGpu).Select(d => new GpuMemory(d.Description, d.TotalBytes, d.FreeBytes))];

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken) => Task.FromResult(result switch
    {
        null => HealthCheckResult.Unhealthy("The engine is being tried."),
        { Ok: true } => HealthCheckResult.Healthy("ok"),
        _ => HealthCheckResult.Unhealthy($"The engine does not work ({result.Code})."),
    });

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        result = await probe.RunAsync(null, stoppingToken);
        if (!result.Ok)
        {
            LogBroken(logger, result.Code, result.Message);
        }
    }

    [LoggerMessage(LogLevel.Error, "The engine does not work: {Code} {Reason}")]
    private static partial void LogBroken(ILogger logger, string? code, string? reason);
}
