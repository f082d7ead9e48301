using System.Threading.Channels;
using LlmPlatform.Inference.Engine.Llama;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>Loads the model on the thread that then runs the scheduler, and prepares requests meanwhile, in the order they came.</summary>
internal sealed partial class Worker(LlamaLibrary library, ModelOptions options, ILoggerFactory loggers)
{
    private readonly ILogger logger = loggers.CreateLogger<Worker>();
    private readonly TaskCompletionSource<LoadedModel> loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<EngineRequest> unprepared = Channel.CreateUnbounded<EngineRequest>();
    private volatile IEngineLoop? loop;
    private float progress;
    private volatile int limit = Environment.ProcessorCount;

    /// <summary>Fails with a <see cref="ModelLoadException"/>.</summary>
    internal Task<LoadedModel> Loaded => loaded.Task;

    internal LoadMeter Meter { get; } = new();

    /// <summary>Grows while a step is being computed: a worker in which it stands still hangs.</summary>
    internal long StepProgress => loop?.Progress ?? 0;

    internal float Progress => Volatile.Read(ref progress);

    internal void Start()
    {
        new Thread(LoadAndRun) { Name = "engine", IsBackground = true }.Start();
        _ = PrepareAsync();
    }

    internal void Submit(EngineRequest request) => unprepared.Writer.TryWrite(request);

    internal void Cancel(EngineRequest request)
    {
        request.Cancel();
        loop?.AbortUselessStep();
    }

    internal void LimitThreads(int cores)
    {
        limit = cores;
        loop?.LimitThreads(cores);
    }

    private void LoadAndRun()
    {
        IEngineLoop running;
        ProcessLimits.ComputeHere();
        try
        {
            var model = LoadedModel.Load(library, options, value => Volatile.Write(ref progress, value));
            running = model.Generates
                ? new Scheduler(model, Meter, loggers.CreateLogger<Scheduler>())
                : new EmbeddingLoop(model, loggers.CreateLogger<EmbeddingLoop>());
            loop = running;
            running.LimitThreads(limit);
            loaded.SetResult(model);
        }
        catch (Exception problem)
        {
            LogLoadFailed(logger, problem);
            loaded.SetException(problem is ModelLoadException ? problem : new ModelLoadException("model.load_failed", problem.Message));
            return;
        }

        running.Run();
    }

    /// <summary>Tokenising a long prompt takes a while; here it delays neither the steps nor the news that a reader has gone.</summary>
    private async Task PrepareAsync()
    {
        await foreach (var request in unprepared.Reader.ReadAllAsync())
        {
            if (await TryLoadedAsync() is not { } model)
            {
                return;
            }

            Prepare(request, model, request.Request.Conversation is null ? null : await model.Language);
            if (request.IsOver)
            {
                request.Flush();
            }
            else
            {
                loop!.Submit(request);
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

    private void Prepare(EngineRequest request, LoadedModel model, ChatLanguage? language)
    {
        try
        {
            if (request.IsCancelled)
            {
                request.Finish(FinishReason.Cancelled);
            }
            else
            {
                request.Begin(model, language);
            }
        }
        catch (RequestRefusedException refusal)
        {
            request.Fail(refusal.Code, refusal.Message, refusal.Param);
        }
        catch (Exception problem)
        {
            LogPrepareFailed(logger, problem, request.Id);
            request.Fail("engine.internal", "The engine failed while it read this request.");
        }
    }

    [LoggerMessage(LogLevel.Error, "The model was not loaded")]
    private static partial void LogLoadFailed(ILogger logger, Exception problem);

    [LoggerMessage(LogLevel.Error, "Preparing sequence {Id} failed")]
    private static partial void LogPrepareFailed(ILogger logger, Exception problem, ulong id);
}
