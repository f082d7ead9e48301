namespace LlmPlatform.Inference.Workers;

/// <summary>The worker's watchdog: a process that hangs neither ends nor breaks its stream.</summary>
internal sealed partial class Worker
{
    // A long prompt is computed in steps that say nothing, so silence alone proves nothing while the processor works. Not for ever, though.
    private const int PatienceWithBusyWorkers = 10;

    private const int LooksPerTimeout = 4;

    private async Task WatchAsync()
    {
        var started = lastNews;
        var seen = (At: lastNews, Used: TimeSpan.Zero);
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
                var used = process.ProcessorTime;
                if (running == 0 || quietSince > seen.At || used - seen.Used > time.GetElapsedTime(seen.At) / 10)
                {
                    seen = (time.GetTimestamp(), used); // a sign of life
                }

                var quiet = time.GetElapsedTime(quietSince);
                if (running > 0 && quiet >= options.StallTimeout
                    && (time.GetElapsedTime(seen.At) >= options.StallTimeout || quiet >= options.StallTimeout * PatienceWithBusyWorkers))
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
