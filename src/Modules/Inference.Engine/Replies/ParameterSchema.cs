using System.Text.Json;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>What a parameter may be by its schema; none of them: the schema does not say.</summary>
[Flags]
internal enum ParameterKinds
{
    None = 0,
    String = 1,
    Number = 2,
    Integer = 4,
    Boolean = 8,
    Object = 16,
    Array = 32,
    Null = 64,
}

/// <summary>Writes the parameters of tags, which are plain text, as JSON of the kinds that a function's schema names.</summary>
internal sealed class ParameterSchema
{
    private readonly Dictionary<string, ParameterKinds> kinds = [];

    internal ParameterSchema(string? json)
    {
        try
        {
            using var document = JsonDocument.Parse(json ?? "{}");
            if (document.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object)
            {
                foreach (var property in properties.EnumerateObject())
                {
                    kinds[property.Name] = KindsIn(property.Value);
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            // The schema is no JSON, or half a character is in it; every value is then what it looks like.
            kinds.Clear();
        }
    }

    internal bool IsText(string key) => kinds.GetValueOrDefault(key) == ParameterKinds.String;

    /// <summary>Returns the value as it is if it is JSON of a kind the parameter may have, else as a JSON string.</summary>
    internal string Write(string key, string text)
    {
        var wanted = kinds.GetValueOrDefault(key);
        var word = text.Trim();
        var json = word switch
        {
            "True" or "False" when wanted.HasFlag(ParameterKinds.Boolean) => word == "True" ? "true" : "false",
            "None" when wanted.HasFlag(ParameterKinds.Null) => "null",
            _ => JsonScanner.Mend(word),
        };
        return json is not null && json[0] != '"' && Allows(wanted, json) ? json : $"\"{JsonStrings.Escape(text)}\"";
    }

    private static bool Allows(ParameterKinds wanted, string json) => wanted == ParameterKinds.None || (wanted & KindOf(json)) != 0;

    private static ParameterKinds KindOf(string json) => json[0] switch
    {
        '{' => ParameterKinds.Object,
        '[' => ParameterKinds.Array,
        't' or 'f' => ParameterKinds.Boolean,
        'n' => ParameterKinds.Null,
        _ => json.AsSpan().ContainsAny('.', 'e', 'E') ? ParameterKinds.Number : ParameterKinds.Number | ParameterKinds.Integer,
    };

    // Schemas are at most 64 levels deep: the reader of JSON stops there.
    private static ParameterKinds KindsIn(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object)
        {
            return ParameterKinds.None;
        }

        if (schema.TryGetProperty("type", out var type))
        {
            return type.ValueKind == JsonValueKind.Array ? Union(type, KindNamed) : KindNamed(type);
        }

        if (schema.TryGetProperty("anyOf", out var any) || schema.TryGetProperty("oneOf", out any))
        {
            return any.ValueKind == JsonValueKind.Array ? Union(any, KindsIn) : ParameterKinds.None;
        }

        return schema.TryGetProperty("enum", out var values) && values.ValueKind == JsonValueKind.Array
            ? Union(values, value => value.ValueKind == JsonValueKind.String ? ParameterKinds.String : KindOf(value.GetRawText()))
            : ParameterKinds.None;
    }

    private static ParameterKinds Union(JsonElement array, Func<JsonElement, ParameterKinds> kindOf) =>
        array.EnumerateArray().Aggregate(ParameterKinds.None, (kinds, element) => kinds | kindOf(element));

    private static ParameterKinds KindNamed(JsonElement type) => type.ValueKind != JsonValueKind.String ? ParameterKinds.None : type.GetString() switch
    {
        "string" => ParameterKinds.String,
        "number" => ParameterKinds.Number,
        "integer" => ParameterKinds.Integer,
        "boolean" => ParameterKinds.Boolean,
        "object" => ParameterKinds.Object,
        "array" => ParameterKinds.Array,
        "null" => ParameterKinds.Null,
        _ => ParameterKinds.None,
    };
}
