using Microsoft.Extensions.Hosting;

namespace LlmPlatform.Inference.Installs;

/// <summary>The installs that this process works on now. After a crash it is empty, and so is the truth: nothing runs.</summary>
public sealed class RunningInstalls(TimeProvider time, IHostApplicationLifetime lifetime)
{
    private readonly Dictionary<Guid, List<Run>> running = []; // an install that was resumed may begin before its last run has ended
    private readonly Dictionary<string, Turns> files = [];
    private readonly Lock gate = new();

    /// <summary>The host goes down: installs break off now, and go on after its next start.</summary>
    public bool AreStopping => lifetime.ApplicationStopping.IsCancellationRequested;

    public Progress? ProgressOf(Guid id)
    {
        lock (gate)
        {
            return running.TryGetValue(id, out var runs) ? runs[^1].Progress : null;
        }
    }

    public void Stop(Guid id)
    {
        Run[] runs;
        lock (gate)
        {
            runs = [.. running.GetValueOrDefault(id, [])];
        }

        foreach (var run in runs)
        {
            run.Stop();
        }
    }

    /// <summary>Notes an install while work is done for it; its token also ends when somebody stops the install or the host.</summary>
    internal Run Begin(Guid id, CancellationToken cancellation)
    {
        var run = new Run(new Progress(time), CancellationTokenSource.CreateLinkedTokenSource(cancellation, lifetime.ApplicationStopping), mine => End(id, mine));
        lock (gate)
        {
            if (!running.TryGetValue(id, out var runs))
            {
                running[id] = runs = [];
            }

            runs.Add(run);
        }

        return run;
    }

    /// <summary>Waits until nobody else works on the file. Those who wait see the progress of the one whose turn it is.</summary>
    /// <param name="key">The file's.</param>
    /// <param name="run">Who wants it; null for somebody without an install.</param>
    /// <param name="cancellation">Gives up.</param>
    internal async Task<IDisposable> TakeTurnAsync(string key, Run? run, CancellationToken cancellation)
    {
        Turns turns;
        lock (gate)
        {
            turns = files.TryGetValue(key, out var there) ? there : files[key] = new Turns(new Progress(time));
            turns.Users++;
        }

        if (run is not null)
        {
            run.Progress = turns.Progress;
        }

        try
        {
            await turns.Turn.WaitAsync(cancellation);
            return new Leave(() =>
            {
                turns.Turn.Release();
                Forget(key, turns);
            });
        }
        catch
        {
            Forget(key, turns);
            throw;
        }
    }

    private void End(Guid id, Run run)
    {
        lock (gate)
        {
            var runs = running[id];
            runs.Remove(run);
            if (runs.Count == 0)
            {
                running.Remove(id);
            }
        }
    }

    private void Forget(string key, Turns turns)
    {
        lock (gate)
        {
            if (--turns.Users == 0)
            {
                files.Remove(key);
                turns.Turn.Dispose();
            }
        }
    }

    internal sealed class Run(Progress progress, CancellationTokenSource stop, Action<Run> end) : IDisposable
    {
        private readonly Lock gate = new();
        private bool isOver;

        public Progress Progress { get; set; } = progress;

        public CancellationToken Token => stop.Token;

        public void Stop()
        {
            lock (gate)
            {
                if (!isOver)
                {
                    stop.Cancel();
                }
            }
        }

        public void Dispose()
        {
            end(this);
            lock (gate)
            {
                isOver = true;
                stop.Dispose();
            }
        }
    }

    private sealed class Turns(Progress progress)
    {
        public SemaphoreSlim Turn { get; } = new(1, 1);

        public Progress Progress => progress;

        public int Users { get; set; }
    }

    private sealed class Leave(Action leave) : IDisposable
    {
        public void Dispose() => leave();
    }
}
