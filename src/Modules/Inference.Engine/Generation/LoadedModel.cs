using LlmPlatform.Inference.Engine.Constraints;
using LlmPlatform.Inference.Engine.Llama;

namespace LlmPlatform.Inference.Engine.Generation;

/// <param name="File">The model file.</param>
/// <param name="ContextTokens">What one sequence may hold; null: what the model was trained for, up to a limit.</param>
/// <param name="Threads">Threads that compute; null: the fastest choice.</param>
/// <param name="Slots">Sequences that are computed together; null: as many as the memory reaches for.</param>
/// <param name="KvBytes">Memory of the KV cache; null: a part of what is there.</param>
internal sealed record ModelOptions(string File, int? ContextTokens = null, int? Threads = null, int? Slots = null, long? KvBytes = null)
{
    internal KvCacheType KvCacheType { get; init; } = KvCacheType.F16;
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
    // The most tokens of a step: large enough for the matrix kernels, short enough to stop between two.
    private const int BatchTokens = 512;

    // A text is embedded in one step, in which llama.cpp also computes the scores after every token, wanted or not.
    private const int MostEmbeddingTokens = 2048;
    private const long MostScoreBytes = 512L << 20;

    /// <summary>Texts that are embedded in one step.</summary>
    internal const int EmbeddingSequences = 32;

    private readonly LlamaLibrary library;
    private readonly ContextOptions options;
    private readonly Dictionary<int, LlamaThreadPool> pools = [];
    private readonly bool hasFixedThreads;
    private readonly Lazy<Task<ChatLanguage>> language;

    private LoadedModel(LlamaLibrary library, LlamaModel model, ModelOptions wanted)
    {
        this.library = library;
        Model = model;
        KvBytesPerToken = model.KvNumbersPerToken * BytesOf32(wanted.KvCacheType) / 32;
        var layout = Generates ? KvLayout.Choose(model.TrainedContextTokens, KvBytesPerToken, wanted) : KvLayout.ForEmbedding(EmbeddingTokens);
        options = Generates
            ? new ContextOptions(layout.Cells, Math.Min(BatchTokens, layout.ContextTokens), layout.Slots, layout.IsUnified, (int)wanted.KvCacheType)
            : EmbeddingOptions;
        FirstContext = LlamaContext.Create(library, model, options);
        // llama.cpp rounds a context up; the model was not trained for the rest.
        Layout = layout with { ContextTokens = Math.Min(layout.ContextTokens, FirstContext.SequenceTokens), Cells = FirstContext.TotalTokens };
        Constraints = new ConstraintCompiler(new VocabularyText(model.Vocabulary));
        language = new Lazy<Task<ChatLanguage>>(() =>
        {
            var trying = Task.Run(() => new ChatLanguage(model.Vocabulary, model.ChatTemplate));
            trying.ContinueWith(_ => Constraints.Compile(new ConstraintSource.AnyJsonObject()), TaskScheduler.Default); // the first one takes long
            return trying;
        });
        hasFixedThreads = wanted.Threads is not null;
        var (decode, batch) = wanted.Threads is { } threads ? ThreadChoice.Fixed(threads)
            : Generates ? ThreadChoice.Measure(FirstContext, model.Vocabulary)
            : ThreadChoice.Fixed(Environment.ProcessorCount);
        pools[decode.Threads] = decode;
        pools[batch.Threads] = batch;
        var most = hasFixedThreads ? decode.Threads : Environment.ProcessorCount;
        (DecodeThreads, BatchThreads) = (new ThreadTuner(decode.Threads, most), new ThreadTuner(batch.Threads, most));
        UseThreads(FirstContext);
    }

    /// <summary>False for a model that only makes vectors of texts.</summary>
    internal bool Generates => Model.IsCausal;

    internal LlamaModel Model { get; }

    /// <summary>The one that the loop begins with.</summary>
    internal LlamaContext FirstContext { get; }

    internal KvLayout Layout { get; }

    /// <summary>
    /// Trying a template out takes a while, and only conversations wait for it. It begins when somebody asks: a probe never does, and before the
    /// model is loaded it would disturb the choice of threads.
    /// </summary>
    internal Task<ChatLanguage> Language => language.Value;

    internal ConstraintCompiler Constraints { get; }

    internal long KvBytesPerToken { get; }

    internal string LlamaVersion => library.Version;

    /// <summary>For steps of one token.</summary>
    internal ThreadTuner DecodeThreads { get; }

    /// <summary>For all other steps.</summary>
    internal ThreadTuner BatchThreads { get; }

    internal static LoadedModel Load(LlamaLibrary library, ModelOptions options, Action<float>? progress)
    {
        var model = LlamaModel.Load(library, options.File, progress: progress);
        if (!model.PredictsNextToken)
        {
            throw new ModelLoadException("model.unsupported", $"A model of the architecture {model.Architecture} neither generates nor embeds text.");
        }

        return model.Vocabulary.Size > 0
            ? new LoadedModel(library, model, options)
            : throw new ModelLoadException("model.unsupported", "This model has no vocabulary.");
    }

    internal LlamaContext CreateContext()
    {
        var context = LlamaContext.Create(library, Model, options);
        UseThreads(context);
        return context;
    }

    /// <summary>Tokens of a text that can be embedded.</summary>
    internal int EmbeddingTokens
    {
        get
        {
            var most = Generates ? (int)Math.Min(MostEmbeddingTokens, MostScoreBytes / sizeof(float) / Model.Vocabulary.Size) : MostEmbeddingTokens;
            return Model.TrainedContextTokens > 0 ? Math.Min(Model.TrainedContextTokens, most) : most;
        }
    }

    /// <summary>For vectors instead of scores.</summary>
    internal LlamaContext CreateEmbeddingContext()
    {
        var context = LlamaContext.Create(library, Model, EmbeddingOptions);
        UseThreads(context);
        return context;
    }

    private ContextOptions EmbeddingOptions =>
        new(EmbeddingTokens, EmbeddingTokens, EmbeddingSequences, IsUnified: true, (int)KvCacheType.F16) { Embeds = true };

    /// <summary>Takes the threads that the tuners want now.</summary>
    internal void UseThreads(LlamaContext context) => context.UseThreads(Pool(DecodeThreads.Threads), Pool(BatchThreads.Threads));

    /// <summary>The cores that this model may use beside others; nothing where an operator has fixed its threads.</summary>
    internal void LimitThreads(int cores)
    {
        if (!hasFixedThreads)
        {
            DecodeThreads.Limit(cores);
            BatchThreads.Limit(cores);
        }
    }

    /// <summary>ggml stores these types in blocks of 32 numbers.</summary>
    private static int BytesOf32(KvCacheType type) => type switch
    {
        KvCacheType.Q4 => 18,
        KvCacheType.Q8 => 34,
        _ => 64,
    };

    // A pool that is not used sleeps and costs nothing.
    private LlamaThreadPool Pool(int threads)
    {
        if (!pools.TryGetValue(threads, out var pool))
        {
            pools.Add(threads, pool = new LlamaThreadPool(threads));
        }

        return pool;
    }
}
