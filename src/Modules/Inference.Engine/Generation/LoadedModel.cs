using LlmPlatform.Inference.Engine.Llama;

namespace LlmPlatform.Inference.Engine.Generation;

/// <param name="File">The model file.</param>
/// <param name="ContextTokens">What one sequence may hold; null: what the model was trained for, up to a limit.</param>
/// <param name="Threads">Threads that compute; null: the fastest choice.</param>
/// <param name="Slots">Sequences that are computed together; null: as many as the memory reaches for.</param>
/// <param name="KvBytes">Memory of the KV cache; null: a part of what is there.</param>
internal sealed record ModelOptions(string File, int? ContextTokens = null, int? Threads = null, int? Slots = null, long? KvBytes = null);

/// <summary>A model with what is needed to build a context over it, at the start and again after a context broke.</summary>
internal sealed class LoadedModel
{
    // The most tokens of a step: large enough for the matrix kernels, short enough to stop between two.
    private const int BatchTokens = 512;

    private readonly LlamaLibrary library;
    private readonly ContextOptions options;
    private readonly LlamaThreadPool decodeThreads;
    private readonly LlamaThreadPool batchThreads;

    private LoadedModel(LlamaLibrary library, LlamaModel model, ModelOptions wanted)
    {
        this.library = library;
        Model = model;
        var layout = KvLayout.Choose(model.TrainedContextTokens, model.KvBytesPerToken, wanted);
        options = new ContextOptions(layout.Cells, Math.Min(BatchTokens, layout.ContextTokens), layout.Slots, layout.IsUnified);
        FirstContext = LlamaContext.Create(library, model, options);
        // llama.cpp rounds a context up; the model was not trained for the rest.
        Layout = layout with { ContextTokens = Math.Min(layout.ContextTokens, FirstContext.SequenceTokens), Cells = FirstContext.TotalTokens };
        (decodeThreads, batchThreads) = wanted.Threads is { } threads
            ? ThreadChoice.Fixed(threads)
            : ThreadChoice.Measure(FirstContext, model.Vocabulary);
        FirstContext.UseThreads(decodeThreads, batchThreads);
    }

    internal LlamaModel Model { get; }

    internal LlamaContext FirstContext { get; }

    internal KvLayout Layout { get; }

    internal string LlamaVersion => library.Version;

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
