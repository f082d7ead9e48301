using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Inference.Models;

/// <summary>How an administrator wants a model to be run; null leaves the choice to the platform.</summary>
/// <param name="ContextTokens">What one conversation may hold.</param>
/// <param name="KvCacheType">How the KV cache is stored.</param>
/// <param name="KeepAliveMinutes">How long a model that nobody uses stays loaded: 0 not at all, -1 for ever.</param>
/// <param name="Slots">Conversations that are computed together.</param>
/// <param name="Threads">Threads that compute.</param>
public sealed record ModelSettings(
    int? ContextTokens = null, KvCacheType? KvCacheType = null, int? KeepAliveMinutes = null, int? Slots = null, int? Threads = null)
{
    public const int ForEver = -1;

    /// <summary>Loaded from the start on, and never ended to make room.</summary>
    public bool? Pinned { get; init; }

    /// <summary>As a duration; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</summary>
    internal static TimeSpan? KeepAliveOf(int? minutes) => minutes switch
    {
        null => null,
        ForEver => Timeout.InfiniteTimeSpan,
        { } some => TimeSpan.FromMinutes(some),
    };
}
