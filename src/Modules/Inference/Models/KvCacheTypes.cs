using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Inference.Models;

internal static class KvCacheTypes
{
    // The quantised types pack so many numbers into one block, and no block spans two heads.
    public const int Block = 32;

    /// <summary>Fewer bytes, in the order in which one would try them.</summary>
    public static readonly IReadOnlyList<KvCacheType> All = [KvCacheType.F16, KvCacheType.Q8, KvCacheType.Q4];

    /// <summary>As the engine's command line and llama.cpp write it.</summary>
    public static string Name(this KvCacheType type) => type switch
    {
        KvCacheType.Q8 => "q8_0",
        KvCacheType.Q4 => "q4_0",
        _ => "f16",
    };

    public static long Bytes(this KvCacheType type, long elements) => type switch
    {
        KvCacheType.Q8 => elements * 34 / Block,
        KvCacheType.Q4 => elements * 18 / Block,
        _ => elements * 2,
    };
}
