using System.Runtime.InteropServices;

namespace LlmPlatform.Inference.Engine.Llama;

// Field for field as in llama.h v0.5.0; NativeLayout compares their defaults with the library's before anything relies on them.

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct llama_batch
{
    public int n_tokens;
    public int* token;
    public float* embd;
    public int* pos;
    public int* n_seq_id;
    public int** seq_id;
    public sbyte* logits;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct llama_model_params
{
    public void* devices;
    public void* tensor_buft_overrides;
    public int n_gpu_layers;
    public int split_mode;
    public int load_mode;
    public int lazy_mode;
    public int main_gpu;
    public float* tensor_split;
    public delegate* unmanaged[Cdecl]<float, void*, byte> progress_callback;
    public void* progress_callback_user_data;
    public void* kv_overrides;
    public byte vocab_only;
    public byte check_tensors;
    public byte use_extra_bufts;
    public byte no_host;
    public byte no_alloc;
    public byte load_mtp;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct llama_context_params
{
    public uint n_ctx;
    public uint n_batch;
    public uint n_ubatch;
    public uint n_seq_max;
    public uint n_rs_seq;
    public uint n_outputs_max;
    public uint n_outputs_max_per_seq;
    public int n_threads;
    public int n_threads_batch;
    public int ctx_type;
    public int rope_scaling_type;
    public int pooling_type;
    public int attention_type;
    public int flash_attn_type;
    public float rope_freq_base;
    public float rope_freq_scale;
    public float yarn_ext_factor;
    public float yarn_attn_factor;
    public float yarn_beta_fast;
    public float yarn_beta_slow;
    public uint yarn_orig_ctx;
    public float defrag_thold;
    public void* cb_eval;
    public void* cb_eval_user_data;
    public int type_k;
    public int type_v;
    public delegate* unmanaged[Cdecl]<void*, byte> abort_callback;
    public void* abort_callback_data;
    public byte embeddings;
    public byte offload_kqv;
    public byte no_perf;
    public byte op_offload;
    public byte swa_full;
    public byte kv_unified;
    public void* samplers;
    public nuint n_samplers;
    public void* ctx_other;
}

[StructLayout(LayoutKind.Sequential)]
internal struct llama_perf_context_data
{
    public double t_start_ms;
    public double t_load_ms;
    public double t_p_eval_ms;
    public double t_eval_ms;
    public int n_p_eval;
    public int n_eval;
    public int n_reused;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ggml_threadpool_params
{
    public const int MaxThreads = 512;

    public fixed byte cpumask[MaxThreads];
    public int n_threads;
    public int prio;
    public uint poll;
    public byte strict_cpu;
    public byte paused;
}

/// <summary>A struct that is off by one field reads garbage where the library wrote a default. These defaults lie all over the structs.</summary>
internal static unsafe class NativeLayout
{
    internal static bool Fits()
    {
        var model = Native.llama_model_default_params();
        var context = Native.llama_context_default_params();
        ggml_threadpool_params pool;
        Native.ggml_threadpool_params_init(&pool, 3);
        return model is { n_gpu_layers: -1, split_mode: 1, load_mode: -1, lazy_mode: 1, main_gpu: 0 }
            && model is { vocab_only: 0, check_tensors: 0, use_extra_bufts: 1, no_host: 0, no_alloc: 0, load_mtp: 0 }
            && model.tensor_split is null && model.progress_callback is null && model.kv_overrides is null
            && context is { n_ctx: 512, n_batch: 2048, n_ubatch: 512, n_seq_max: 1, n_outputs_max: 0, n_outputs_max_per_seq: 1 }
            && context is { n_threads: > 0, rope_scaling_type: -1, pooling_type: -1, attention_type: -1, flash_attn_type: -1 }
            && context is { yarn_ext_factor: -1, yarn_beta_slow: -1, yarn_orig_ctx: 0, defrag_thold: -1, type_k: 1, type_v: 1 }
            && context is { embeddings: 0, offload_kqv: 1, no_perf: 1, op_offload: 1, swa_full: 1, kv_unified: 0, n_samplers: 0 }
            && context.abort_callback is null && context.samplers is null && context.ctx_other is null
            && pool is { n_threads: 3, prio: 0, poll: 50, strict_cpu: 0, paused: 0 };
    }
}
