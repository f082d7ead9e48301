using System.Text.Json;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>What types schemas and values have.</summary>
internal static class SchemaTypes
{
    /// <summary>What all parts declare; parts that declare none allow all.</summary>
    internal static JsonTypes Declared(IEnumerable<SchemaPart> parts) => parts.Aggregate(JsonTypes.All, (types, part) => types & Declared(part));

    internal static JsonTypes Of(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => JsonTypes.Null,
        JsonValueKind.True or JsonValueKind.False => JsonTypes.Boolean,
        JsonValueKind.Number => value.TryGetDecimal(out var number) && decimal.IsInteger(number) ? JsonTypes.Integer : JsonTypes.Fraction,
        JsonValueKind.String => JsonTypes.String,
        JsonValueKind.Array => JsonTypes.Array,
        _ => JsonTypes.Object,
    };

    private static JsonTypes Declared(SchemaPart part) => part.Find("type") switch
    {
        null => JsonTypes.All,
        { ValueKind: JsonValueKind.Array } list => list.EnumerateArray().Aggregate(JsonTypes.None, (types, e) => types | Named(part, e)),
        { } one => Named(part, one),
    };

    private static JsonTypes Named(SchemaPart part, JsonElement name) => name.ValueKind != JsonValueKind.String
        ? throw part.Invalid("type", "must be a text or a list of texts")
        : name.GetString() switch
        {
            "null" => JsonTypes.Null,
            "boolean" => JsonTypes.Boolean,
            "integer" => JsonTypes.Integer,
            "number" => JsonTypes.Number,
            "string" => JsonTypes.String,
            "array" => JsonTypes.Array,
            "object" => JsonTypes.Object,
            _ => throw part.Invalid("type", "is none of the seven types"),
        };
}
