namespace LlmPlatform.Inference.Workers;

/// <summary>The worker's watchdog: a process that hangs neither ends nor breaks its stream. One that computes says so every second.</summary>
internal sealed partial class Worker
{
    private const int LooksPerTimeout = 4;

    private async Task WatchAsync()
    {
        var started = lastNews;
        using var timer = new PeriodicTimer(Min(options.StallTimeout, options.LoadTimeout) / LooksPerTimeout, time);
        try
        {
            while (await timer.WaitForNextTickAsync(closing.Token))
            {
                if (!ready.Task.IsCompleted)
                {
                    if (time.GetElapsedTime(started) >= options.LoadTimeout)
                    {
                        Finish(Failures.LoadTimeout(options.LoadTimeout));
                    }

                    continue;
                }

                var (running, quietSince) = Look();
                var quiet = time.GetElapsedTime(quietSince);
                if (running > 0 && quiet >= options.StallTimeout)
                {
                    Finish(Failures.Stalled(quiet));
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The worker is over, and so is the watch.
        }
    }

    private (int Running, long QuietSince) Look()
    {
        lock (gate)
        {
            return (calls.Count, Volatile.Read(ref lastNews));
        }
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
