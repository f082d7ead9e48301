using System.Collections.Concurrent;

namespace LlmPlatform.Inference.Installs;

/// <summary>How far an install is.</summary>
public sealed class Progress
{
    public string Phase { get; set; } = "starting";

    public long CompletedBytes { get; set; }

    public long? TotalBytes { get; set; }
}

/// <summary>The installs that this process works on now. After a crash it is empty, and so is the truth: nothing runs.</summary>
public sealed class RunningInstalls
{
    private readonly ConcurrentDictionary<Guid, (Progress Progress, CancellationTokenSource Stop)> running = new();

    public Progress? ProgressOf(Guid id) => running.TryGetValue(id, out var install) ? install.Progress : null;

    public void Stop(Guid id)
    {
        if (running.TryGetValue(id, out var install))
        {
            install.Stop.Cancel();
        }
    }

    /// <summary>Notes an install while the work runs; the token it hands on also ends when somebody cancels the install.</summary>
    internal async Task<T> RunAsync<T>(Guid id, Func<Progress, CancellationToken, Task<T>> work, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var progress = new Progress();
        running[id] = (progress, stop);
        try
        {
            return await work(progress, stop.Token);
        }
        finally
        {
            running.TryRemove(id, out _);
        }
    }
}
