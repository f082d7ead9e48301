using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LlmPlatform.Inference.Engine.Llama;

internal enum DecodeResult
{
    Done,

    /// <summary>The KV cache is full. Nothing has changed.</summary>
    NoRoom,

    /// <summary>Stopped by <see cref="LlamaContext.SetAbort"/>. A part of the batch may lie in the KV cache.</summary>
    Aborted,

    /// <summary>The batch breaks a rule. Nothing has changed.</summary>
    Invalid,

    /// <summary>Computing failed; the state is unknown and the context has to be built anew.</summary>
    Broken,
}

/// <param name="Cells">Tokens that all sequences may hold together.</param>
/// <param name="BatchTokens">Tokens of one step.</param>
/// <param name="Sequences">How many sequences there are at most, running and kept.</param>
/// <param name="IsUnified">One pool of cells, in which a step looks at all of them; otherwise every sequence has an equal part for itself.</param>
/// <param name="KvType">ggml's number of the type in which keys and values are stored.</param>
internal sealed record ContextOptions(int Cells, int BatchTokens, int Sequences, bool IsUnified, int KvType)
{
    /// <summary>It gives a vector per sequence, and no scores.</summary>
    internal bool Embeds { get; init; }
}

/// <summary>One KV cache over a model. Every call but <see cref="SetAbort"/> comes from the one thread that owns it.</summary>
internal sealed unsafe class LlamaContext : SafeHandleZeroOrMinusOneIsInvalid
{
    private const int FlashAttentionAuto = -1;
    private const int FlashAttentionOff = 0;

    // Its work per key is the same for a narrow head as for a wide one; measured on 8 numbers a head it takes twice the time of the plain way.
    private const int NarrowHead = 32;
    private const int F16 = 1;

    /// <summary>Tokens of one sequence that a step may ask scores for: its own last one and those that were guessed ahead.</summary>
    internal const int MostOutputsPerSequence = 9;

    // Guesses are only made while few sequences run.
    private const int SpareOutputs = 2 * MostOutputsPerSequence;

    private readonly LlamaModel model;
    private readonly int vocabularySize;
    private readonly int sequences;
    private readonly nint memory;
    private readonly List<LlamaThreadPool> pools = [];
    private Signals* signals;
    private int decodeThreads;
    private int batchThreads;

    private LlamaContext(nint handle, LlamaModel model, int sequences)
        : base(ownsHandle: true)
    {
        SetHandle(handle);
        this.sequences = sequences;
        this.model = model;
        // The native context points into the model, which must not be freed before it.
        var added = false;
        model.DangerousAddRef(ref added);
        vocabularySize = model.Vocabulary.Size;
        memory = Native.llama_get_memory(this);
        signals = (Signals*)NativeMemory.AllocZeroed((nuint)sizeof(Signals));
        Native.llama_set_abort_callback(this, &ShouldAbort, signals);
    }

    /// <summary>What one sequence may hold.</summary>
    internal int SequenceTokens => (int)Native.llama_n_ctx_seq(this);

    /// <summary>What all sequences may hold together.</summary>
    internal int TotalTokens => (int)Native.llama_n_ctx(this);

    internal int BatchTokens => (int)Native.llama_n_batch(this);

    internal static LlamaContext Create(LlamaLibrary library, LlamaModel model, ContextOptions options)
    {
        var parameters = Native.llama_context_default_params();
        parameters.n_ctx = (uint)options.Cells;
        parameters.n_batch = (uint)options.BatchTokens;
        parameters.n_ubatch = (uint)options.BatchTokens;
        parameters.n_seq_max = (uint)options.Sequences;
        // Only the last tokens of a sequence are sampled from; without this the logits buffer would be sized for a whole batch.
        parameters.n_outputs_max = (uint)Math.Min(options.Sequences + SpareOutputs, options.BatchTokens);
        parameters.n_outputs_max_per_seq = MostOutputsPerSequence;
        parameters.flash_attn_type = model.HeadNumbers < NarrowHead && options.KvType == F16 ? FlashAttentionOff : FlashAttentionAuto;
        parameters.type_k = parameters.type_v = options.KvType;
        parameters.kv_unified = options.IsUnified ? (byte)1 : (byte)0;
        parameters.no_perf = 1;
        if (options.Embeds)
        {
            parameters.embeddings = 1;
            parameters.pooling_type = (int)model.Pooling;
            parameters.n_outputs_max = parameters.n_outputs_max_per_seq = 0;
        }

        library.Log.TakeReason();
        var handle = Native.llama_init_from_model(model, parameters);
        if (handle == 0)
        {
            throw new ModelLoadException(
                "model.load_failed",
                $"llama.cpp cannot create a context of {options.Cells} tokens: {library.Log.TakeReason() ?? "it gives no reason"}");
        }

        var context = new LlamaContext(handle, model, options.Sequences);
        if (context.memory != 0 || options.Embeds)
        {
            return context;
        }

        context.Dispose();
        throw new ModelLoadException("model.unsupported", "This model keeps no KV cache, so it cannot generate text.");
    }

    internal DecodeResult Decode(TokenBatch batch)
    {
        foreach (var token in batch.Tokens)
        {
            if (!model.Vocabulary.IsToken(token))
            {
                return DecodeResult.Invalid;
            }
        }

        var result = Native.llama_decode(this, batch.ToNative());
        GC.KeepAlive(batch);
        // A step that was not computed may not have reached the backend, which then still knows the pool before.
        if (result == 0)
        {
            ReleasePools(keep: 2);
        }

        return result switch
        {
            0 => DecodeResult.Done,
            1 => DecodeResult.NoRoom,
            2 => DecodeResult.Aborted,
            -1 => DecodeResult.Invalid,
            _ => DecodeResult.Broken,
        };
    }

    /// <summary>The scores of all tokens after a token that was added as an output; writable, and gone with the next decode.</summary>
    internal Span<float> Logits(int batchIndex)
    {
        var first = Native.llama_get_logits_ith(this, batchIndex);
        return first is not null
            ? new Span<float>(first, vocabularySize)
            : throw new InvalidOperationException($"There are no logits at index {batchIndex} of the last batch.");
    }

    /// <summary>The vector of a sequence, where the context embeds; gone with the next decode.</summary>
    internal ReadOnlySpan<float> Embedding(int sequence)
    {
        var first = Native.llama_get_embeddings_seq(this, Known(sequence));
        return first is not null
            ? new ReadOnlySpan<float>(first, model.EmbeddingDimensions)
            : throw new InvalidOperationException($"There is no embedding of sequence {sequence} in the last batch.");
    }

    /// <summary>The position of the sequence's last cached token, -1 if it has none.</summary>
    internal int LastPosition(int sequence) => Native.llama_memory_seq_pos_max(memory, Known(sequence));

    /// <summary>Forgets what follows <paramref name="from"/>. False where a model (recurrent, sliding window) cannot step back.</summary>
    internal bool TryTruncate(int sequence, int from) => Native.llama_memory_seq_rm(memory, Known(sequence), from, -1);

    /// <summary>
    /// Makes one sequence a copy of another. In a unified cache they then share their cells; otherwise the whole buffer of the source is
    /// copied before the next step.
    /// </summary>
    internal void Copy(int from, int to)
    {
        Forget(to);
        Native.llama_memory_seq_cp(memory, Known(from), Known(to), -1, -1);
    }

    /// <summary>Steps that needed no new graph.</summary>
    internal int GraphReuses => Native.llama_perf_context(this).n_reused;

    /// <summary>Grows while a step is being computed, node by node.</summary>
    internal long Progress => signals is null ? 0 : Volatile.Read(ref signals->Nodes);

    internal void Forget(int sequence) => Native.llama_memory_seq_rm(memory, Known(sequence), -1, -1);

    /// <summary>Also where there is nothing that remembers.</summary>
    internal void ForgetAll()
    {
        if (memory != 0)
        {
            Native.llama_memory_clear(memory, data: false);
        }
    }

    /// <summary>The first pool computes steps of one token, the second all others. A pool lives until no context needs it.</summary>
    internal void UseThreads(LlamaThreadPool decode, LlamaThreadPool batch)
    {
        var added = false;
        decode.DangerousAddRef(ref added);
        batch.DangerousAddRef(ref added);
        pools.AddRange([decode, batch]);
        (decodeThreads, batchThreads) = (decode.Threads, batch.Threads);
        Native.llama_attach_threadpool(this, decode, batch);
        Native.llama_set_n_threads(this, decode.Threads, batch.Threads);
    }

    /// <summary>With how many threads a step of so many tokens is computed.</summary>
    internal int Threads(int tokens) => tokens == 1 ? decodeThreads : batchThreads;

    /// <summary>May be called from any thread: a decode that runs ends within milliseconds (on CPU).</summary>
    internal void SetAbort(bool value)
    {
        if (signals is not null)
        {
            Volatile.Write(ref signals->Abort, value ? 1 : 0);
        }
    }

    protected override bool ReleaseHandle()
    {
        Native.llama_free(handle);
        ReleasePools(keep: 0);
        model.DangerousRelease();
        NativeMemory.Free(signals);
        signals = null;
        return true;
    }

    // llama.cpp asserts this, which would end the process.
    private int Known(int sequence)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)sequence, (uint)sequences);
        return sequence;
    }

    /// <summary>The CPU backend touches the pool of its last step once more when the next step brings another one.</summary>
    private void ReleasePools(int keep)
    {
        while (pools.Count > keep)
        {
            pools[0].DangerousRelease();
            pools.RemoveAt(0);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte ShouldAbort(void* data)
    {
        var signals = (Signals*)data;
        signals->Nodes++; // one thread calls this
        return Volatile.Read(ref signals->Abort) != 0 ? (byte)1 : (byte)0;
    }

    private struct Signals
    {
        public int Abort;
        public long Nodes;
    }
}
