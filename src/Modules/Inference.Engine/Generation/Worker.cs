using System.Threading.Channels;
using LlmPlatform.Inference.Engine.Llama;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>Loads the model on the thread that then runs the scheduler, and prepares requests meanwhile, in the order they came.</summary>
internal sealed partial class Worker(LlamaLibrary library, ModelOptions options, ILoggerFactory loggers)
{
    private readonly ILogger logger = loggers.CreateLogger<Worker>();
    private readonly TaskCompletionSource<LoadedModel> loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<Sequence> unprepared = Channel.CreateUnbounded<Sequence>();
    private volatile Scheduler? scheduler;
    private float progress;
    private volatile int limit = Environment.ProcessorCount;

    /// <summary>Fails with a <see cref="ModelLoadException"/>.</summary>
    internal Task<LoadedModel> Loaded => loaded.Task;

    internal LoadMeter Meter { get; } = new();

    /// <summary>Grows while a step is being computed: a worker in which it stands still hangs.</summary>
    internal long StepProgress => scheduler?.Progress ?? 0;

    internal float Progress => Volatile.Read(ref progress);

    internal void Start()
    {
        new Thread(LoadAndRun) { Name = "engine", IsBackground = true }.Start();
        _ = PrepareAsync();
    }

    internal void Submit(Sequence sequence) => unprepared.Writer.TryWrite(sequence);

    internal void Cancel(Sequence sequence)
    {
        sequence.Cancel();
        scheduler?.AbortUselessStep();
    }

    internal void LimitThreads(int cores)
    {
        limit = cores;
        scheduler?.LimitThreads(cores);
    }

    private void LoadAndRun()
    {
        Scheduler loop;
        ProcessLimits.ComputeHere();
        try
        {
            var model = LoadedModel.Load(library, options, value => Volatile.Write(ref progress, value));
            loop = new Scheduler(model, Meter, loggers.CreateLogger<Scheduler>());
            scheduler = loop;
            loop.LimitThreads(limit);
            loaded.SetResult(model);
        }
        catch (Exception problem)
        {
            LogLoadFailed(logger, problem);
            loaded.SetException(problem is ModelLoadException ? problem : new ModelLoadException("model.load_failed", problem.Message));
            return;
        }

        loop.Run();
    }

    /// <summary>Tokenising a long prompt takes a while; here it delays neither the steps nor the news that a reader has gone.</summary>
    private async Task PrepareAsync()
    {
        await foreach (var sequence in unprepared.Reader.ReadAllAsync())
        {
            if (await TryLoadedAsync() is not { } model)
            {
                return;
            }

            Prepare(sequence, model);
            if (sequence.IsOver)
            {
                sequence.Flush();
            }
            else
            {
                scheduler!.Submit(sequence);
            }
        }
    }

    private async Task<LoadedModel?> TryLoadedAsync()
    {
        try
        {
            return await loaded.Task;
        }
        catch (ModelLoadException)
        {
            // Whoever asks gets LoadFailed; nothing more is said about single requests.
            return null;
        }
    }

    private void Prepare(Sequence sequence, LoadedModel model)
    {
        try
        {
            if (sequence.IsCancelled)
            {
                sequence.Finish(FinishReason.Cancelled);
            }
            else
            {
                sequence.Begin(model.Model.Vocabulary, model.Layout.ContextTokens);
            }
        }
        catch (RequestRefusedException refusal)
        {
            sequence.Fail(refusal.Code, refusal.Message, refusal.Param);
        }
        catch (Exception problem)
        {
            LogPrepareFailed(logger, problem, sequence.Id);
            sequence.Fail("engine.internal", "The engine failed while it read this request.");
        }
    }

    [LoggerMessage(LogLevel.Error, "The model was not loaded")]
    private static partial void LogLoadFailed(ILogger logger, Exception problem);

    [LoggerMessage(LogLevel.Error, "Preparing sequence {Id} failed")]
    private static partial void LogPrepareFailed(ILogger logger, Exception problem, ulong id);
}
