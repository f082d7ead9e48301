using System.Threading.Channels;
using Grpc.Core;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.Inference.Generation;
using LlmPlatform.SharedKernel;
using Microsoft.Extensions.Logging;

namespace LlmPlatform.Inference.Workers;

/// <summary>
/// One worker process and the one call that is open for its life. Requests go out through a single pump, news come in through a single reader,
/// and whatever ends first - process, stream or patience - ends the worker as a whole: it is never mended, only replaced.
/// </summary>
internal sealed partial class Worker
{
    private const int BadLibrary = 3; // exit code of a worker that refuses the llama.cpp it found

    private readonly WorkerProcess process;
    private readonly EngineOptions options;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Channel<HostFrame> outgoing = Channel.CreateUnbounded<HostFrame>(new() { SingleReader = true });
    private readonly string model;
    private readonly GenerationMetrics metrics;
    private readonly CoreShares shares;
    private readonly Dictionary<ulong, WorkerCall> calls = [];
    private readonly Dictionary<ulong, long> leaving = []; // cancelled, and since when
    private readonly Lock gate = new();
    private readonly CancellationTokenSource closing = new();
    private readonly TaskCompletionSource<LoadedModel> ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task<Error> running;
    private Error? end;
    private ulong lastId;
    private int cores = Environment.ProcessorCount;
    private long lastNews;

    /// <summary>Takes over a process that was just started.</summary>
    public Worker(WorkerProcess process, string model, EngineOptions options, GenerationMetrics metrics, CoreShares shares, TimeProvider time, ILogger logger)
    {
        this.process = process;
        this.model = model;
        this.metrics = metrics;
        this.shares = shares;
        this.options = options;
        this.time = time;
        this.logger = logger;
        lastNews = time.GetTimestamp();
        running = RunAsync();
    }

    public int ProcessId => process.Id;

    /// <summary>How much of the model is read, 0 to 1.</summary>
    public float Progress { get; private set; }

    /// <summary>How it speaks with its model; null until it says so.</summary>
    public LoadedTemplate? ChatTemplate { get; private set; }

    /// <summary>Completes when requests are served; throws what callers may be told when they never will be.</summary>
    public Task<LoadedModel> Ready => ready.Task;

    /// <summary>Completes with the reason when the process is gone.</summary>
    public Task<Error> Ended => running;

    /// <summary>The reason, as soon as it is known that this worker is over.</summary>
    public Error? End
    {
        get
        {
            lock (gate)
            {
                return end;
            }
        }
    }

    /// <summary>Requests that run or wait in the engine.</summary>
    public int Running
    {
        get
        {
            lock (gate)
            {
                return calls.Count;
            }
        }
    }

    /// <summary>Sends a request to the engine. Its news are read off the call, and disposing the call cancels what still runs.</summary>
    public WorkerCall Submit(Submit submit)
    {
        lock (gate)
        {
            if (end is not null)
            {
                throw end.ToException();
            }

            if (calls.Count == 0)
            {
                Volatile.Write(ref lastNews, time.GetTimestamp()); // silence counts from the first request on
            }

            submit.Id = ++lastId;
            var call = new WorkerCall(submit.Id, Abandon);
            calls.Add(call.Id, call);
            shares.Tell(this, isBusy: true);
            outgoing.Writer.TryWrite(new HostFrame { Submit = submit });
            return call;
        }
    }

    /// <summary>The cores that its model may use beside others that compute.</summary>
    public void UseCores(int most)
    {
        if (Interlocked.Exchange(ref cores, most) != most)
        {
            outgoing.Writer.TryWrite(new HostFrame { Cores = new Cores { Most = (uint)most } });
        }
    }

    /// <summary>Ends the worker, telling its running requests why, and waits until the process is gone.</summary>
    public async Task EndAsync(Error reason)
    {
        Finish(reason);
        await running;
    }

    private async Task<Error> RunAsync()
    {
        var watching = WatchAsync();
        var pumping = Task.CompletedTask;
        try
        {
            await process.ListeningAsync(closing.Token);
            using var channel = process.Connect();
            using var call = new Engine.Protocol.Engine.EngineClient(channel).Run(cancellationToken: closing.Token);
            pumping = PumpAsync(call.RequestStream);
            await foreach (var frame in call.ResponseStream.ReadAllAsync(closing.Token))
            {
                Take(frame);
            }
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException or IOException)
        {
            LogStreamEnded(logger, process.Id, e.GetType().Name);
        }

        outgoing.Writer.TryComplete();
        await process.EndAsync();
        Finish(process.ExitCode == BadLibrary ? Failures.NativeLibrary : ready.Task.IsCompleted ? Failures.Crashed : Failures.LoadCrashed);
        await pumping;
        await watching;
        metrics.WorkerEnded(model);
        LogEnded(logger, process.Id, process.ExitCode, end!.Code);
        process.Dispose();
        return end!;
    }

    private async Task PumpAsync(IClientStreamWriter<HostFrame> requests)
    {
        try
        {
            await foreach (var frame in outgoing.Reader.ReadAllAsync(closing.Token))
            {
                await requests.WriteAsync(frame, closing.Token);
            }
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException or IOException or InvalidOperationException)
        {
            // The stream is broken; its reader sees that too and says so.
        }
    }

    private void Take(WorkerFrame frame)
    {
        Volatile.Write(ref lastNews, time.GetTimestamp());
        switch (frame.FrameCase)
        {
            case WorkerFrame.FrameOneofCase.Loading:
                Progress = frame.Loading.Progress;
                break;
            case WorkerFrame.FrameOneofCase.Ready:
                Progress = 1;
                ready.TrySetResult(Describe(frame.Ready));
                break;
            case WorkerFrame.FrameOneofCase.ChatTemplate:
                ChatTemplate = Describe(frame.ChatTemplate);
                break;
            case WorkerFrame.FrameOneofCase.LoadFailed:
                Finish(new Error(503, frame.LoadFailed.Code, frame.LoadFailed.Message));
                break;
            case WorkerFrame.FrameOneofCase.Step:
                if (frame.Step.Load is { } load)
                {
                    metrics.Loaded(model, load);
                }

                lock (gate)
                {
                    foreach (var item in frame.Step.Events)
                    {
                        Deliver(item);
                    }
                }

                break;
        }
    }

    private void Deliver(Event item)
    {
        if (!calls.TryGetValue(item.Id, out var call))
        {
            if (WorkerCall.IsLast(item) && leaving.Remove(item.Id, out var since))
            {
                metrics.Cancelled(model, time.GetElapsedTime(since));
            }

            return; // cancelled, and the engine had not heard of it yet
        }

        if (!call.TryAdd(item))
        {
            // Waiting for one reader would let all others wait.
            call.Fail(Failures.SlowReader);
            Abandon(call);
        }
        else if (WorkerCall.IsLast(item))
        {
            calls.Remove(item.Id);
            shares.Tell(this, calls.Count > 0);
        }
    }

    private void Abandon(WorkerCall call)
    {
        lock (gate)
        {
            if (calls.Remove(call.Id))
            {
                shares.Tell(this, calls.Count > 0);
                leaving.Add(call.Id, time.GetTimestamp());
                outgoing.Writer.TryWrite(new HostFrame { Cancel = new Cancel { Id = call.Id } });
            }
        }
    }

    /// <summary>The first reason counts; what follows from it does not.</summary>
    private void Finish(Error reason)
    {
        lock (gate)
        {
            if (end is not null)
            {
                return;
            }

            end = reason;
            foreach (var call in calls.Values)
            {
                call.Fail(reason);
            }

            calls.Clear();
            shares.Tell(this, isBusy: false);
        }

        ready.TrySetException(reason.ToException());
        _ = ready.Task.Exception; // nobody may be waiting for it
        closing.Cancel();
    }

    private static LoadedModel Describe(Ready ready) => new(
        ready.LlamaVersion,
        ready.Architecture,
        ready.Description,
        (long)ready.Parameters,
        (long)ready.WeightsBytes,
        (int)ready.ContextTokens,
        (int)ready.TrainedContextTokens,
        (int)ready.VocabularyTokens,
        (int)ready.Threads,
        ready.Generates,
        (int)ready.EmbeddingDimensions);

    private static LoadedTemplate Describe(ChatTemplate template) => new(
        template.IsOwn,
        template.Problem.Length > 0 ? template.Problem : null,
        template.Format,
        template.System,
        template.Tools,
        template.Reasoning,
        template.ThinkingSwitch);

    [LoggerMessage(LogLevel.Debug, "The stream of worker {ProcessId} ended: {Reason}")]
    private static partial void LogStreamEnded(ILogger logger, int processId, string reason);

    [LoggerMessage(LogLevel.Information, "Worker {ProcessId} ended with exit code {ExitCode}: {Reason}")]
    private static partial void LogEnded(ILogger logger, int processId, int exitCode, string reason);
}
