using LlmPlatform.SharedKernel;

namespace LlmPlatform.Inference.Models;

/// <summary>What a model's file says about itself.</summary>
/// <param name="Template">Its chat template, a Jinja program; null where it has none or nobody asked for it.</param>
/// <param name="Metadata">Its keys and values; of lists only how many entries they have, and of long texts the beginning. Null where nobody asked for it.</param>
public sealed record ModelHeader(string? Template, IReadOnlyDictionary<string, object>? Metadata)
{
    private const int LongestText = 2000;

    private static readonly string[] Parts = ["template", "metadata"];

    internal static IReadOnlyList<string> ReadInclude(string? include)
    {
        string[] parts = include?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
        return parts.All(Parts.Contains) ? parts : throw Refusal.BadParam("include", "include lists template, metadata, or both.");
    }

    internal static ModelHeader Of(GgufFile file, IReadOnlyList<string> parts) => new(
        parts.Contains("template") ? file.ChatTemplate : null,
        parts.Contains("metadata") ? file.Metadata.Values.Where(pair => pair.Key != "tokenizer.chat_template").ToDictionary(pair => pair.Key, pair => Shown(pair.Value)) : null);

    private static object Shown(object value) => value switch
    {
        GgufArray array => new { array.Count },
        string { Length: > LongestText } text => text[..LongestText] + "…",
        float number when !float.IsFinite(number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture),
        double number when !double.IsFinite(number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture),
        _ => value,
    };
}
