using System.Text.Json;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>A schema inside the document, and its JSON pointer.</summary>
internal sealed record SchemaPart(JsonElement Element, string Pointer)
{
    internal SchemaPart Child(string keyword, JsonElement element) => new(element, $"{Pointer}/{Escape(keyword)}");

    internal SchemaPart? Child(string keyword) => Find(keyword) is { } element ? Child(keyword, element) : null;

    internal SchemaPart Child(string keyword, string name, JsonElement element) => new(element, $"{Pointer}/{keyword}/{Escape(name)}");

    /// <summary>The schemas of a list such as anyOf; none where the keyword is absent.</summary>
    internal List<SchemaPart> Children(string keyword)
    {
        if (Find(keyword) is not { } list)
        {
            return [];
        }

        return list.ValueKind == JsonValueKind.Array && list.GetArrayLength() > 0
            ? [.. list.EnumerateArray().Select((e, i) => new SchemaPart(e, $"{Pointer}/{keyword}/{i}"))]
            : throw Invalid(keyword, "must be a list of schemas");
    }

    internal JsonElement? Find(string keyword) =>
        Element.ValueKind == JsonValueKind.Object && Element.TryGetProperty(keyword, out var element) ? element : null;

    internal bool Has(string keyword) => Find(keyword) is not null;

    /// <summary>A count such as minLength.</summary>
    internal int? Count(string keyword)
    {
        if (Find(keyword) is not { } element)
        {
            return null;
        }

        return element.ValueKind == JsonValueKind.Number && element.TryGetDecimal(out var count) && count >= 0 && decimal.IsInteger(count)
            ? count <= ConstraintLimits.CountedRepeats ? (int)count : throw ConstraintErrors.TooLarge($"'{keyword}' is too large", Pointer)
            : throw Invalid(keyword, "must be a whole number");
    }

    internal decimal? Decimal(string keyword)
    {
        if (Find(keyword) is not { } element)
        {
            return null;
        }

        return element.ValueKind != JsonValueKind.Number ? throw Invalid(keyword, "must be a number")
            : element.TryGetDecimal(out var value) && Math.Abs(value) <= NumberRange.FurthestBound ? value
            : throw ConstraintErrors.TooLarge($"'{keyword}' is too far from zero", Pointer);
    }

    internal string? Text(string keyword)
    {
        if (Find(keyword) is not { } element)
        {
            return null;
        }

        return element.ValueKind == JsonValueKind.String ? element.GetString() : throw Invalid(keyword, "must be a text");
    }

    /// <summary>The texts of a list such as required.</summary>
    internal List<string> Texts(string keyword)
    {
        if (Find(keyword) is not { } list)
        {
            return [];
        }

        return list.ValueKind == JsonValueKind.Array && list.EnumerateArray().All(e => e.ValueKind == JsonValueKind.String)
            ? [.. list.EnumerateArray().Select(e => e.GetString()!)]
            : throw Invalid(keyword, "must be a list of texts");
    }

    internal Exception Invalid(string keyword, string what) => ConstraintErrors.Invalid($"'{keyword}' {what}", Pointer);

    private static string Escape(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
}
