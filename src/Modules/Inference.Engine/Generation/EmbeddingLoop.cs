using System.Collections.Concurrent;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>The loop of a model that only turns texts into vectors.</summary>
internal sealed class EmbeddingLoop(LoadedModel model, ILogger<EmbeddingLoop> logger) : IEngineLoop
{
    private readonly BlockingCollection<EngineRequest> submitted = [];
    private readonly Embedder embedder = new(model, logger);

    public long Progress => embedder.Progress;

    public void Submit(EngineRequest request) => submitted.Add(request);

    /// <summary>A batch is short, and nobody else's first token waits for it.</summary>
    public void LimitThreads(int most)
    {
    }

    /// <summary>A batch is many people's.</summary>
    public void AbortUselessStep()
    {
    }

    public void Run()
    {
        while (true)
        {
            while (submitted.TryTake(out var request, embedder.IsIdle ? Timeout.Infinite : 0))
            {
                if (!embedder.TryAdd((EmbeddingRequest)request))
                {
                    request.Flush();
                }
            }

            embedder.Step(besideStreams: false);
        }
    }
}
