using System.Text.RegularExpressions;

namespace LlmPlatform.Explore.Catalogue;

/// <summary>How weights are stored, read off the names of files, which is the only place that says so for a file that is not here.</summary>
internal static partial class Quantisation
{
    // Bits of a weight, block scales included, as llama.cpp's quantize tool reports them for an 8B model; the mixtures differ a little from model to model.
    private static readonly (string Name, double Bits)[] Known =
    [
        ("F32", 32), ("BF16", 16), ("F16", 16), ("Q8_K_XL", 9.6), ("Q8_0", 8.5), ("Q6_K_XL", 6.9), ("Q6_K_L", 6.7), ("Q6_K", 6.6), ("Q5_1", 6), ("Q5_K_XL", 5.8), ("Q5_K_L", 5.8),
        ("Q5_K_M", 5.7), ("Q5_K_S", 5.6), ("Q5_0", 5.6), ("Q5_K", 5.7), ("Q4_1", 5.1), ("Q4_K_XL", 5), ("Q4_K_L", 5), ("Q4_K_M", 4.9), ("Q4_K_S", 4.7), ("Q4_0", 4.7), ("Q4_K", 4.9),
        ("IQ4_NL", 4.7), ("IQ4_XS", 4.5), ("MXFP4", 4.5), ("NVFP4", 4.6), ("Q3_K_XL", 4.4), ("Q3_K_L", 4.3), ("Q3_K_M", 4), ("Q3_K_S", 3.7), ("Q3_K", 4), ("IQ3_M", 3.8), ("IQ3_S", 3.6), ("IQ3_XS", 3.5),
        ("IQ3_XXS", 3.3), ("Q2_K_XL", 3.5), ("Q2_K_L", 3.4), ("Q2_K_S", 3), ("Q2_K", 3.2), ("IQ2_M", 2.9), ("IQ2_S", 2.8), ("IQ2_XS", 2.6), ("IQ2_XXS", 2.4), ("TQ2_0", 2.4), ("TQ1_0", 2), ("IQ1_M", 2.2), ("IQ1_S", 2),
    ];

    /// <summary>The last one that a file's name holds, such as <c>Q4_K_M</c>; null where there is none.</summary>
    public static string? Of(string file) => Pattern().Matches(file) is { Count: > 0 } found ? found[^1].Groups["name"].Value.ToUpperInvariant() : null;

    /// <summary>Bits of one weight; null where the name is not known.</summary>
    public static double? BitsOf(string? quantisation) => Known.FirstOrDefault(known => known.Name == quantisation) is { Name: not null } known ? known.Bits : null;

    // What stands around it is a separator, or it would be a part of another word.
    [GeneratedRegex(
        @"(?<=^|[-._/ ])(?<name>(BF16|F16|F32|FP16|FP32|MXFP4|NVFP4|TQ[12]_0|IQ[1-4]_(XXS|XS|NL|S|M)|Q[2-8]_K(_(XL|L|M|S))?|Q[458]_[01]))(?=$|[-._/ ])",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 200)]
    private static partial Regex Pattern();
}
