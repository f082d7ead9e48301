namespace LlmPlatform.Inference.Workers;

/// <summary>The right to use a worker. While it is held, the worker is not unloaded for idleness, and an unload waits for it a while.</summary>
internal sealed class WorkerLease(Worker worker, Action release) : IDisposable
{
    private Action? release = release;

    public Worker Worker => worker;

    public void Dispose() => Interlocked.Exchange(ref release, null)?.Invoke();
}
