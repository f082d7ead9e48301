using LlmPlatform.Inference.Engine.Llama;

namespace LlmPlatform.Inference.Engine.Generation;

internal sealed record ModelOptions(string File, int? ContextTokens, int? Threads, int Slots)
{
    internal KvCacheType KvCacheType { get; init; } = KvCacheType.F16;

    /// <summary>What the KV cache may weigh; null where nobody keeps count.</summary>
    internal long? KvBytes { get; init; }
}

/// <summary>How the KV cache stores its numbers; these are ggml's own numbers of the types.</summary>
internal enum KvCacheType
{
    F16 = 1,
    Q4 = 2,
    Q8 = 8,
}

/// <summary>A model with what is needed to build a context over it, at the start and again after a context broke.</summary>
internal sealed class LoadedModel
{
    // A prompt is computed in chunks of this many tokens: large enough for the matrix kernels, short enough to stop between two.
    private const int BatchTokens = 512;
    private const int DefaultContextTokens = 8192;

    private readonly LlamaLibrary library;
    private readonly ContextOptions options;
    private readonly LlamaThreadPool decodeThreads;
    private readonly LlamaThreadPool batchThreads;

    private LoadedModel(LlamaLibrary library, LlamaModel model, ModelOptions wanted)
    {
        this.library = library;
        Model = model;
        var trained = model.TrainedContextTokens > 0 ? model.TrainedContextTokens : DefaultContextTokens;
        var context = Math.Min(trained, wanted.ContextTokens ?? DefaultContextTokens);
        // All slots share the cells. A model of a short context leaves room in the same memory for every slot to fill its own.
        var cells = Math.Max(context, (int)Math.Min((long)trained * wanted.Slots, wanted.ContextTokens ?? DefaultContextTokens));
        options = new ContextOptions(cells, Math.Min(BatchTokens, context), wanted.Slots, (int)wanted.KvCacheType);
        FirstContext = LlamaContext.Create(library, model, options);
        // llama.cpp rounds a context up; the model was not trained for the rest.
        ContextTokens = Math.Min(context, FirstContext.SequenceTokens);
        (decodeThreads, batchThreads) = wanted.Threads is { } threads
            ? ThreadChoice.Fixed(threads)
            : ThreadChoice.Measure(FirstContext, model.Vocabulary);
        FirstContext.UseThreads(decodeThreads, batchThreads);
    }

    internal LlamaModel Model { get; }

    internal LlamaContext FirstContext { get; }

    internal string LlamaVersion => library.Version;

    internal int ContextTokens { get; }

    internal int Slots => options.Sequences;

    internal int Threads => decodeThreads.Threads;

    internal static LoadedModel Load(LlamaLibrary library, ModelOptions options, Action<float>? progress)
    {
        var model = LlamaModel.Load(library, options.File, progress: progress);
        if (!model.PredictsNextToken)
        {
            throw new ModelLoadException("model.unsupported", $"A model of the architecture {model.Architecture} does not generate text.");
        }

        return model.Vocabulary.Size > 0
            ? new LoadedModel(library, model, options)
            : throw new ModelLoadException("model.unsupported", "This model has no vocabulary.");
    }

    internal LlamaContext CreateContext()
    {
        var context = LlamaContext.Create(library, Model, options);
        context.UseThreads(decodeThreads, batchThreads);
        return context;
    }
}
