using LlmPlatform.Inference.Engine.Llama;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// Turns texts into vectors, a batch at a time, on a context of its own that is created when it is first needed. Tenants take turns text by
/// text, so that a thousand texts of one do not hold up the one of another. The engine's thread alone calls it.
/// </summary>
internal sealed partial class Embedder(LoadedModel model, ILogger logger)
{
    private const int MostWaiting = 256;

    // Beside running streams a batch is short, or their readers would see it; a single long text cannot be cut.
    private const int TokensBesideStreams = 64;
    private const int TokensAlone = 512;

    private readonly Dictionary<string, Queue<EmbeddingRequest>> waiting = [];
    private readonly Queue<string> turns = [];
    private readonly List<(EmbeddingRequest Request, int Text)> step = [];
    private readonly Lock gate = new(); // round the context, whose progress others read
    private LlamaContext? context = model.Generates ? null : model.FirstContext;
    private TokenBatch? batch;
    private long computed;

    internal bool IsIdle => waiting.Count == 0;

    /// <summary>False where too many wait already; the request has failed then.</summary>
    internal bool TryAdd(EmbeddingRequest request)
    {
        if (waiting.Values.Sum(queue => queue.Count) >= MostWaiting)
        {
            request.Fail("queue.full", "Many requests wait for this model already. Try again later.", retryAfter: TimeSpan.FromSeconds(1));
            return false;
        }

        if (!waiting.TryGetValue(request.Tenant, out var queue))
        {
            waiting.Add(request.Tenant, queue = []);
            turns.Enqueue(request.Tenant);
        }

        queue.Enqueue(request);
        return true;
    }

    /// <summary>Grows while a batch is being computed. Readable from any thread.</summary>
    internal long Progress
    {
        get
        {
            lock (gate)
            {
                return computed + (context?.Progress ?? 0);
            }
        }
    }

    /// <summary>Computes one batch and tells its vectors. What goes wrong costs the requests in it, and their context.</summary>
    internal void Step(bool besideStreams)
    {
        try
        {
            Fill(besideStreams ? TokensBesideStreams : TokensAlone);
            if (step.Count > 0 && context!.Decode(batch!) != DecodeResult.Done)
            {
                throw new InvalidOperationException("llama.cpp did not compute a batch of texts.");
            }

            for (var sequence = 0; sequence < step.Count; sequence++)
            {
                Take(step[sequence].Request, step[sequence].Text, context!.Embedding(sequence));
            }
        }
        catch (Exception problem)
        {
            LogStepFailed(logger, problem, step.Count);
            Fail(step.Select(item => item.Request));
            if (step.Count == 0)
            {
                // There is not even a context: whoever comes later may have more luck.
                Fail(waiting.Values.SelectMany(queue => queue));
                waiting.Clear();
                turns.Clear();
            }

            Reset();
        }

        foreach (var (request, _) in step)
        {
            request.Flush();
        }
    }

    private static void Take(EmbeddingRequest request, int text, ReadOnlySpan<float> vector)
    {
        if (!request.IsOver)
        {
            request.Embed(text, vector);
        }
    }

    private static void Fail(IEnumerable<EmbeddingRequest> requests)
    {
        foreach (var request in requests.Where(request => !request.IsOver))
        {
            request.Fail("engine.decode_failed", "The engine failed while it computed this request.");
            request.Flush();
        }
    }

    private void Reset()
    {
        lock (gate)
        {
            computed += context?.Progress ?? 0;
            context?.Dispose();
            context = null;
        }
    }

    private void Fill(int mostTokens)
    {
        step.Clear();
        if (context is null)
        {
            var created = model.CreateEmbeddingContext();
            lock (gate)
            {
                context = created;
            }
        }

        batch ??= new TokenBatch(context.BatchTokens);
        context.ForgetAll();
        batch.Clear();
        while (step.Count < LoadedModel.EmbeddingSequences && NextRequest() is { } request)
        {
            var text = request.Next;
            if (batch.Count > 0 && batch.Count + text.Length > Math.Min(mostTokens, batch.Capacity))
            {
                return;
            }

            for (var position = 0; position < text.Length; position++)
            {
                batch.Add(text[position], position, step.Count, output: true);
            }

            step.Add((request, request.Start()));
            turns.Enqueue(turns.Dequeue());
        }
    }

    /// <summary>The request whose turn it is; those that need nothing more leave.</summary>
    private EmbeddingRequest? NextRequest()
    {
        while (turns.TryPeek(out var tenant))
        {
            var queue = waiting[tenant];
            while (queue.TryPeek(out var request))
            {
                if (!request.EndIfUnwanted() && !request.IsStarted)
                {
                    return request;
                }

                request.Flush();
                queue.Dequeue();
            }

            waiting.Remove(turns.Dequeue());
        }

        return null;
    }

    [LoggerMessage(LogLevel.Error, "A step of {Texts} texts to embed failed")]
    private static partial void LogStepFailed(ILogger logger, Exception problem, int texts);
}
