using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace LlmPlatform.Inference.Engine.Llama;

/// <summary>llama.cpp refused a model file, or the model is of a kind that does not generate text.</summary>
internal sealed class ModelLoadException(string code, string message) : Exception(message)
{
    internal string Code { get; } = code;
}

/// <summary>How the vectors of a text's tokens become one; these are llama.cpp's own numbers.</summary>
internal enum Pooling
{
    Mean = 1,
    FirstToken = 2,
    LastToken = 3,
    Rank = 4,
}

/// <summary>The weights and the vocabulary of one model file.</summary>
internal sealed unsafe class LlamaModel : SafeHandleZeroOrMinusOneIsInvalid
{
    private LlamaModel(nint handle)
        : base(ownsHandle: true)
    {
        SetHandle(handle);
        Vocabulary = new Vocabulary(Native.llama_model_get_vocab(this));
    }

    internal Vocabulary Vocabulary { get; }

    internal string Architecture => Metadata("general.architecture") ?? "";

    internal string Description
    {
        get
        {
            var buffer = stackalloc byte[256];
            Native.llama_model_desc(this, buffer, 256);
            return Marshal.PtrToStringUTF8((nint)buffer) ?? "";
        }
    }

    internal ulong Parameters => Native.llama_model_n_params(this);

    internal ulong WeightsBytes => Native.llama_model_size(this);

    /// <summary>False where what was computed cannot be taken back in part, because it is folded into one state.</summary>
    internal bool CanStepBack => !Native.llama_model_is_recurrent(this) && !Native.llama_model_is_hybrid(this);

    /// <summary>Keys and values of one token over all layers.</summary>
    internal long KvNumbersPerToken
    {
        get
        {
            var width = HeadNumbers + Length("value");
            return (long)Native.llama_model_n_layer(this) * Native.llama_model_n_head_kv(this) * width;
        }
    }

    /// <summary>How wide a head's keys are.</summary>
    internal int HeadNumbers => Length("key");

    /// <summary>False for a model that reads a whole text at once, and makes a vector of it instead of more text.</summary>
    internal bool IsCausal => Metadata($"{Architecture}.attention.causal") != "false";

    /// <summary>How it makes one vector of those of a text's tokens: as it was trained to, or else by their mean.</summary>
    internal Pooling Pooling =>
        int.TryParse(Metadata($"{Architecture}.pooling_type"), CultureInfo.InvariantCulture, out var type) && type > 0 ? (Pooling)type : Pooling.Mean;

    /// <summary>Numbers of the vector that it makes of a text.</summary>
    internal int EmbeddingDimensions => Native.llama_model_n_embd_out(this);

    internal int TrainedContextTokens => Native.llama_model_n_ctx_train(this);

    internal string? ChatTemplate => Marshal.PtrToStringUTF8((nint)Native.llama_model_chat_template(this, null));

    /// <summary>Encoders, encoder-decoders and diffusion models need other loops than "predict the next token".</summary>
    internal bool PredictsNextToken =>
        Native.llama_model_has_decoder(this) && !Native.llama_model_has_encoder(this) && !Native.llama_model_is_diffusion(this);

    /// <summary>Throws <see cref="ModelLoadException"/>; a file that trips an assertion of ggml ends the process instead.</summary>
    internal static LlamaModel Load(LlamaLibrary library, string file, bool vocabularyOnly = false, Action<float>? progress = null)
    {
        if (!File.Exists(file))
        {
            throw new ModelLoadException("model.load_failed", "The model file does not exist.");
        }

        var parameters = Native.llama_model_default_params();
        parameters.vocab_only = vocabularyOnly ? (byte)1 : (byte)0;
        var progressHandle = progress is null ? default : GCHandle.Alloc(progress);
        try
        {
            if (progress is not null)
            {
                parameters.progress_callback = &Progress;
                parameters.progress_callback_user_data = (void*)GCHandle.ToIntPtr(progressHandle);
            }

            library.Log.TakeReason();
            var handle = Native.llama_model_load_from_file(file, parameters);
            return handle != 0
                ? new LlamaModel(handle)
                : throw new ModelLoadException(
                    "model.load_failed", $"llama.cpp cannot load this model: {library.Log.TakeReason() ?? "it gives no reason"}");
        }
        finally
        {
            if (progressHandle.IsAllocated)
            {
                progressHandle.Free();
            }
        }
    }

    protected override bool ReleaseHandle()
    {
        Native.llama_model_free(handle);
        return true;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte Progress(float progress, void* report)
    {
        (GCHandle.FromIntPtr((nint)report).Target as Action<float>)?.Invoke(progress);
        return 1;
    }

    private int Length(string part) =>
        int.TryParse(Metadata($"{Architecture}.attention.{part}_length"), CultureInfo.InvariantCulture, out var length) && length > 0
            ? length
            : Native.llama_model_n_embd(this) / Math.Max(1, Native.llama_model_n_head(this));

    private string? Metadata(string key)
    {
        var buffer = stackalloc byte[256];
        var length = Native.llama_model_meta_val_str(this, key, buffer, 256);
        return length < 0 ? null : Encoding.UTF8.GetString(buffer, Math.Min(length, 255));
    }
}
