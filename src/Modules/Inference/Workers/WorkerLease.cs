namespace LlmPlatform.Inference.Workers;

/// <summary>The right to use a worker. While it is held, the worker is not unloaded for idleness, and an unload waits for it a while.</summary>
internal sealed class WorkerLease(Worker worker, Action<TimeSpan?> release) : IDisposable
{
    private Action<TimeSpan?>? release = release;

    public Worker Worker => worker;

    /// <summary>How long the model stays loaded after this use; null as its settings say. The last one to say so counts.</summary>
    public TimeSpan? KeepAlive { get; set; }

    public void Dispose() => Interlocked.Exchange(ref release, null)?.Invoke(KeepAlive);
}
