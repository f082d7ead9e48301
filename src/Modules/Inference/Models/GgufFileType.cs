namespace LlmPlatform.Inference.Models;

/// <summary>Names of the numbers that <c>general.file_type</c> holds: the <c>llama_ftype</c> of llama.cpp's llama.h.</summary>
internal static class GgufFileType
{
    private static readonly string?[] Names =
    [
        "F32", "F16", "Q4_0", "Q4_1", null, null, null, "Q8_0", "Q5_0", "Q5_1", "Q2_K", "Q3_K_S", "Q3_K_M", "Q3_K_L", "Q4_K_S", "Q4_K_M", "Q5_K_S",
        "Q5_K_M", "Q6_K", "IQ2_XXS", "IQ2_XS", "Q2_K_S", "IQ3_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ3_M", "IQ2_S", "IQ2_M", "IQ4_XS", "IQ1_M",
        "BF16", null, null, null, "TQ1_0", "TQ2_0", "MXFP4",
    ];

    /// <summary>How most weights are stored, such as <c>Q4_K_M</c>; null where the header does not say, or says something newer than this list.</summary>
    public static string? NameOf(uint? type) => type < Names.Length ? Names[type.Value] : null;
}
