using System.Runtime.InteropServices;

namespace LlmPlatform.Inference.Engine.Llama;

/// <summary>
/// Every native function the engine calls, named as in llama.h and ggml-backend.h of llama.cpp v0.5.0. Nothing here checks an argument, and
/// a wrong one aborts the process, so only the classes of this folder call it.
/// </summary>
internal static unsafe partial class Native
{
    internal const string Llama = "llama";
    internal const string Ggml = "ggml";
    internal const string GgmlBase = "ggml-base";

    [LibraryImport(Llama)]
    internal static partial byte* llama_version();

    [LibraryImport(Llama)]
    internal static partial void llama_backend_init();

    [LibraryImport(Llama)]
    internal static partial void llama_log_set(delegate* unmanaged[Cdecl]<int, byte*, void*, void> log_callback, void* user_data);

    // Model

    [LibraryImport(Llama)]
    internal static partial llama_model_params llama_model_default_params();

    [LibraryImport(Llama, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint llama_model_load_from_file(string path_model, llama_model_params @params);

    [LibraryImport(Llama)]
    internal static partial void llama_model_free(nint model);

    [LibraryImport(Llama)]
    internal static partial nint llama_model_get_vocab(LlamaModel model);

    [LibraryImport(Llama)]
    internal static partial int llama_model_n_ctx_train(LlamaModel model);

    [LibraryImport(Llama)]
    internal static partial int llama_model_n_embd(LlamaModel model);

    [LibraryImport(Llama)]
    internal static partial int llama_model_n_embd_out(LlamaModel model);

    [LibraryImport(Llama)]
    internal static partial int llama_model_n_layer(LlamaModel model);

    [LibraryImport(Llama)]
    internal static partial int llama_model_n_head(LlamaModel model);

    [LibraryImport(Llama)]
    internal static partial int llama_model_n_head_kv(LlamaModel model);

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_model_is_recurrent(LlamaModel model);

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_model_is_hybrid(LlamaModel model);

    [LibraryImport(Llama)]
    internal static partial int llama_model_n_swa(LlamaModel model);

    [LibraryImport(Llama)]
    internal static partial ulong llama_model_n_params(LlamaModel model);

    [LibraryImport(Llama)]
    internal static partial ulong llama_model_size(LlamaModel model);

    [LibraryImport(Llama)]
    internal static partial int llama_model_desc(LlamaModel model, byte* buf, nuint buf_size);

    [LibraryImport(Llama, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int llama_model_meta_val_str(LlamaModel model, string key, byte* buf, nuint buf_size);

    [LibraryImport(Llama)]
    internal static partial byte* llama_model_chat_template(LlamaModel model, byte* name);

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_model_has_encoder(LlamaModel model);

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_model_has_decoder(LlamaModel model);

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_model_is_diffusion(LlamaModel model);

    // Vocabulary

    [LibraryImport(Llama)]
    internal static partial int llama_vocab_n_tokens(nint vocab);

    [LibraryImport(Llama)]
    internal static partial int llama_vocab_bos(nint vocab);

    [LibraryImport(Llama)]
    internal static partial int llama_vocab_eos(nint vocab);

    [LibraryImport(Llama)]
    internal static partial int llama_vocab_get_attr(nint vocab, int token);

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_vocab_get_add_bos(nint vocab);

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_vocab_is_eog(nint vocab, int token);

    [LibraryImport(Llama)]
    internal static partial int llama_tokenize(
        nint vocab,
        byte* text,
        int text_len,
        int* tokens,
        int n_tokens_max,
        [MarshalAs(UnmanagedType.U1)] bool add_special,
        [MarshalAs(UnmanagedType.U1)] bool parse_special);

    [LibraryImport(Llama)]
    internal static partial int llama_token_to_piece(
        nint vocab, int token, byte* buf, int length, int lstrip, [MarshalAs(UnmanagedType.U1)] bool special);

    // Context

    [LibraryImport(Llama)]
    internal static partial llama_context_params llama_context_default_params();

    [LibraryImport(Llama)]
    internal static partial nint llama_init_from_model(LlamaModel model, llama_context_params @params);

    [LibraryImport(Llama)]
    internal static partial void llama_free(nint ctx);

    [LibraryImport(Llama)]
    internal static partial uint llama_n_ctx_seq(LlamaContext ctx);

    [LibraryImport(Llama)]
    internal static partial uint llama_n_ctx(LlamaContext ctx);

    [LibraryImport(Llama)]
    internal static partial uint llama_n_batch(LlamaContext ctx);

    [LibraryImport(Llama)]
    internal static partial void llama_attach_threadpool(LlamaContext ctx, LlamaThreadPool threadpool, LlamaThreadPool threadpool_batch);

    [LibraryImport(Llama)]
    internal static partial void llama_set_n_threads(LlamaContext ctx, int n_threads, int n_threads_batch);

    [LibraryImport(Llama)]
    internal static partial void llama_set_abort_callback(
        LlamaContext ctx, delegate* unmanaged[Cdecl]<void*, byte> abort_callback, void* abort_callback_data);

    [LibraryImport(Llama)]
    internal static partial int llama_decode(LlamaContext ctx, llama_batch batch);

    [LibraryImport(Llama)]
    internal static partial float* llama_get_logits_ith(LlamaContext ctx, int i);

    [LibraryImport(Llama)]
    internal static partial float* llama_get_embeddings_seq(LlamaContext ctx, int seq_id);

    [LibraryImport(Llama)]
    internal static partial llama_perf_context_data llama_perf_context(LlamaContext ctx);

    // Memory: the KV cache of a context

    [LibraryImport(Llama)]
    internal static partial nint llama_get_memory(LlamaContext ctx);

    [LibraryImport(Llama)]
    internal static partial void llama_memory_clear(nint mem, [MarshalAs(UnmanagedType.U1)] bool data);

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_memory_seq_rm(nint mem, int seq_id, int p0, int p1);

    [LibraryImport(Llama)]
    internal static partial void llama_memory_seq_cp(nint mem, int seq_id_src, int seq_id_dst, int p0, int p1);

    [LibraryImport(Llama)]
    internal static partial int llama_memory_seq_pos_max(nint mem, int seq_id);

    // Backends

    [LibraryImport(Ggml, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial void ggml_backend_load_all_from_path(string dir_path);

    [LibraryImport(Ggml)]
    internal static partial nuint ggml_backend_dev_count();

    [LibraryImport(Ggml)]
    internal static partial nint ggml_backend_dev_get(nuint index);

    [LibraryImport(Ggml)]
    internal static partial nint ggml_backend_dev_by_type(int type);

    [LibraryImport(GgmlBase)]
    internal static partial byte* ggml_backend_dev_name(nint device);

    [LibraryImport(GgmlBase)]
    internal static partial byte* ggml_backend_dev_description(nint device);

    [LibraryImport(GgmlBase)]
    internal static partial int ggml_backend_dev_type(nint device);

    [LibraryImport(GgmlBase)]
    internal static partial void ggml_backend_dev_memory(nint device, out nuint free, out nuint total);

    [LibraryImport(GgmlBase)]
    internal static partial nint ggml_backend_dev_backend_reg(nint device);

    [LibraryImport(GgmlBase, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial void* ggml_backend_reg_get_proc_address(nint reg, string name);

    [LibraryImport(GgmlBase)]
    internal static partial void ggml_threadpool_params_init(ggml_threadpool_params* p, int n_threads);
}
