using Marten;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Wolverine;

namespace LlmPlatform.Inference.Installs;

/// <summary>
/// Asks again for every install that waits, when the host has started. Its message usually is still there, but one that was broken off too often
/// is not, and an install without one would wait for ever. Asked for twice, it runs once.
/// </summary>
internal sealed class ContinueInstalls(IInferenceStore store, IServiceScopeFactory services, IHostApplicationLifetime lifetime) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource();
        await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
        await using var session = store.QuerySession();
        var waiting = await session.Query<Install>().Where(i => i.State == InstallState.Queued).ToListAsync(stoppingToken);
        using var scope = services.CreateScope();
        var bus = scope.ServiceProvider.GetRequiredService<IMessageBus>();
        foreach (var install in waiting)
        {
            await bus.PublishAsync(Queue.NextOf(install));
        }
    }
}
