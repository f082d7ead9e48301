using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LlmPlatform.Explore.Catalogue;

/// <summary>Brings the curated list that this version ships into the catalogue, once for each edition.</summary>
internal sealed partial class SeedCuratedList(ModelWriter models, ILogger<SeedCuratedList> logger) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var list = CuratedList.Shipped();
        if (await models.WriteAsync(list, cancellationToken))
        {
            LogSeeded(logger, list.Models.Count);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(LogLevel.Information, "The curated list has {Models} models now")]
    private static partial void LogSeeded(ILogger logger, int models);
}
