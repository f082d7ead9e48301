using System.Collections.Concurrent;
using System.ComponentModel;
using System.Globalization;
using System.Threading.Channels;
using LlmPlatform.Inference.Generation;
using LlmPlatform.Inference.Models;
using LlmPlatform.SharedKernel;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LlmPlatform.Inference.Workers;

/// <summary>
/// Supervises the workers, one per model in use. A worker starts on first use, is replaced after a crash, and ends when nobody needs it:
/// ending the process is what gives its memory back.
/// </summary>
public sealed partial class WorkerPool : IAsyncDisposable
{
    private const int LongestFolder = 80; // a Unix socket's path has 107 bytes at most

    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(15); // a model may be kept for a minute only

    private readonly EngineFiles engine;
    private readonly LoadPlanner planner;
    private readonly MemoryBudget budget;
    private readonly EngineOptions options;
    private readonly GenerationMetrics metrics;
    private readonly TimeProvider time;
    private readonly ILogger<WorkerPool> logger;
    private readonly ConcurrentDictionary<string, ModelSlot> slots = new();
    private readonly SpareWorkers spare;
    private readonly CoreShares shares = new(Environment.ProcessorCount);
    private readonly Lazy<string> folder = new(SocketFolder);
    private readonly ITimer sweep;
    private int started;
    private readonly Channel<bool> pinnedEnded = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private volatile bool isClosed;

    internal WorkerPool(
        EngineFiles engine,
        LoadPlanner planner,
        MemoryBudget budget,
        IOptions<EngineOptions> options,
        GenerationMetrics metrics,
        TimeProvider time,
        ILogger<WorkerPool> logger)
    {
        this.engine = engine;
        this.planner = planner;
        this.budget = budget;
        this.options = options.Value;
        this.metrics = metrics;
        this.time = time;
        this.logger = logger;
        spare = new SpareWorkers(slots);
        var interval = this.options.KeepAlive > TimeSpan.Zero && this.options.KeepAlive / 4 < LongestLook ? this.options.KeepAlive / 4 : LongestLook;
        sweep = time.CreateTimer(_ => Sweep(), null, interval, interval);
    }

    /// <summary>Loads an installed model now; waits until it serves. Also ends a quarantine.</summary>
    internal async Task LoadAsync(InstalledModel model, CancellationToken cancellation)
    {
        Slot(model.Name).Forgive();
        using var lease = await LeaseAsync(model, cancellation);
    }

    /// <summary>From here on the model stays once it is loaded.</summary>
    internal void Pin(InstalledModel model) => Slot(model.Name).Pinned = model;

    /// <summary>From here on the model comes and goes like others.</summary>
    public void Unpin(string name)
    {
        if (slots.TryGetValue(name, out var slot))
        {
            slot.Pinned = null;
        }
    }

    /// <summary>Pins these models and no others.</summary>
    internal void PinOnly(IReadOnlyList<InstalledModel> models)
    {
        var names = models.Select(model => model.Name).ToHashSet();
        foreach (var (name, slot) in slots)
        {
            if (slot.Pinned is not null && !names.Contains(name))
            {
                slot.Pinned = null;
            }
        }

        foreach (var model in models)
        {
            Pin(model);
        }
    }

    /// <summary>Pinned models that are not loaded and may be.</summary>
    internal IReadOnlyList<InstalledModel> MissingPinned() => [.. slots.Values.Select(slot => slot.Missing).OfType<InstalledModel>()];

    /// <summary>Waits until a pinned model has lost its worker, but no longer than this.</summary>
    internal async Task WaitForPinnedEndAsync(TimeSpan patience, CancellationToken cancellation)
    {
        try
        {
            await pinnedEnded.Reader.WaitToReadAsync(cancellation).AsTask().WaitAsync(patience, time, cancellation);
            pinnedEnded.Reader.TryRead(out _);
        }
        catch (TimeoutException)
        {
            // A look now and then costs little.
        }
    }

    /// <summary>Ends a model's worker; requests that run get some time to finish.</summary>
    public Task UnloadAsync(string name, CancellationToken cancellation) =>
        slots.TryGetValue(name, out var slot) ? slot.UnloadAsync(cancellation) : Task.CompletedTask;

    /// <summary>What the worker of a model is doing now.</summary>
    public WorkerState StateOf(string name) => slots.TryGetValue(name, out var slot) ? slot.State : new WorkerState(WorkerPhase.Idle);

    public async ValueTask DisposeAsync()
    {
        isClosed = true;
        await sweep.DisposeAsync();
        await Task.WhenAll(slots.Values.Select(slot => slot.CloseAsync()));
        if (folder.IsValueCreated)
        {
            Directory.Delete(folder.Value, recursive: true);
        }
    }

    /// <summary>A worker that serves the model, started if there is none.</summary>
    internal Task<WorkerLease> LeaseAsync(InstalledModel model, CancellationToken cancellation) =>
        isClosed ? throw Failures.Stopping.ToException() : Slot(model.Name).LeaseAsync(model, cancellation);

    private ModelSlot Slot(string name) => slots.GetOrAdd(name, _ => new ModelSlot(PrepareAsync, options, time, () => pinnedEnded.Writer.TryWrite(true)));

    private async Task<PreparedLoad> PrepareAsync(InstalledModel model, CancellationToken cancellation)
    {
        var plan = await planner.PlanAsync(model, cancellation);
        return new PreparedLoad(plan, await budget.TakeAsync(plan, spare, cancellation), Start);
    }

    private Worker Start(LoadPlan plan, MemoryEstimate memory)
    {
        var socket = Path.Combine(folder.Value, Interlocked.Increment(ref started).ToString(CultureInfo.InvariantCulture));
        try
        {
            var process = WorkerProcess.Start(engine, plan, memory, socket, logger);
            LogStarted(logger, process.Id, plan.Name, memory.TotalBytes >> 20);
            metrics.WorkerStarted(plan.Name);
            return new Worker(process, plan.Name, options, metrics, shares, time, logger);
        }
        catch (Win32Exception e)
        {
            LogNotStarted(logger, e, plan.Name);
            throw new Error(503, "engine.missing", "The engine could not be started; an administrator finds the reason in the log.").ToException();
        }
    }

    private void Sweep()
    {
        foreach (var slot in slots.Values)
        {
            _ = slot.EndIdleAsync(onlyIfStale: true);
        }
    }

    private static string SocketFolder()
    {
        const UnixFileMode ours = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        var folder = Directory.CreateTempSubdirectory("llm-").FullName;
        if (folder.Length > LongestFolder)
        {
            Directory.Delete(folder);
            folder = Directory.CreateDirectory(Path.Combine("/tmp", Path.GetFileName(folder)), ours).FullName;
        }

        return folder;
    }

    [LoggerMessage(LogLevel.Information, "Worker {ProcessId} starts for model {Model}, which may take {Mebibytes} MiB")]
    private static partial void LogStarted(ILogger logger, int processId, string model, long mebibytes);

    [LoggerMessage(LogLevel.Error, "No worker could be started for model {Model}")]
    private static partial void LogNotStarted(ILogger logger, Exception exception, string model);
}
