using LlmPlatform.Inference.Models;
using Microsoft.Extensions.Hosting;

namespace LlmPlatform.Inference.Installs;

/// <summary>At start nothing is running yet, so every unfinished file is what a crash left; its install begins anew.</summary>
internal sealed class LeftoverFiles(ModelFiles files) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var partial in files.AllPartials())
        {
            File.Delete(partial);
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
