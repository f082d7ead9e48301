using Microsoft.Win32.SafeHandles;

namespace LlmPlatform.Inference.Engine.Llama;

/// <summary>Threads that outlive a step. Without them this build of ggml starts and joins its threads for every step, ten times slower.</summary>
internal sealed unsafe class LlamaThreadPool : SafeHandleZeroOrMinusOneIsInvalid
{
    // Spinning between two steps saves a wake-up of some microseconds; on a machine shared with the host a long spin costs more than it saves.
    private const uint Poll = 1;

    internal LlamaThreadPool(int threads)
        : base(ownsHandle: true)
    {
        ggml_threadpool_params parameters;
        Native.ggml_threadpool_params_init(&parameters, Math.Clamp(threads, 1, ggml_threadpool_params.MaxThreads));
        parameters.poll = Poll;
        var create = (delegate* unmanaged[Cdecl]<ggml_threadpool_params*, nint>)LlamaLibrary.CpuFunction("ggml_threadpool_new");
        SetHandle(create(&parameters));
        Threads = parameters.n_threads;
    }

    internal int Threads { get; }

    protected override bool ReleaseHandle()
    {
        ((delegate* unmanaged[Cdecl]<nint, void>)LlamaLibrary.CpuFunction("ggml_threadpool_free"))(handle);
        return true;
    }
}
