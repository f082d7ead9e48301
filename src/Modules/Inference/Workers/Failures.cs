using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Inference.Workers;

/// <summary>What can go wrong with a worker, in the words that callers get.</summary>
internal static class Failures
{
    public static readonly Error Unloaded = new(503, "model.unloaded", "The model was unloaded while this ran; the request can be sent again.");

    public static readonly Error Unloading = new(503, "model.unloading", "The model is being unloaded; try again in a moment.") { RetryAfter = TimeSpan.FromSeconds(2) };

    public static readonly Error Stopping = new(503, "host.stopping", "The server is stopping; the request can be sent again.") { RetryAfter = TimeSpan.FromSeconds(5) };

    public static readonly Error Crashed = new(502, "engine.crashed", "The engine that ran this model ended unexpectedly; the request can be sent again.");

    public static readonly Error LoadCrashed = new(503, "model.load_crashed", "The engine ended unexpectedly while it loaded this model.");

    public static readonly Error NativeLibrary = new(503, "engine.native_library", "The engine cannot use the llama.cpp it found; an administrator has to install the matching version.");

    public static readonly Error SlowReader = new(503, "engine.slow_reader", "The reply was stopped because its reader did not keep up.");

    public static Error Stalled(TimeSpan silence) => new(504, "engine.stalled", $"The engine gave no sign of life for {silence.TotalSeconds:0} seconds and was ended; the request can be sent again.");

    public static Error LoadTimeout(TimeSpan limit) => new(503, "model.load_timeout", $"The model was not ready within {limit.TotalSeconds:0} seconds.");

    public static Error Quarantined(TimeSpan wait) =>
        new(503, "model.quarantined", "The engine failed three times in ten minutes with this model, so it rests. An administrator can load it again at once.") { RetryAfter = wait };

    public static GenerationException ToException(this Error error) =>
        new(error.Status, error.Code, error.Message, error.Param) { RetryAfter = error.RetryAfter };
}
