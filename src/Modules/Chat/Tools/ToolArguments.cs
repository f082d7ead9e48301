using System.Text.Json;

namespace LlmPlatform.Chat.Tools;

/// <summary>
/// The arguments of a call as a model wrote them. What can be seen to be wrong is told the model at once; the rest of the schema is the server's to
/// check, because schemas come from outside and whoever evaluates all of one runs patterns and follows references that others chose.
/// </summary>
internal static class ToolArguments
{
    private const int Longest = 64 << 10;

    /// <summary>Reads the arguments, or says what is wrong with them in a sentence for the model.</summary>
    public static (IDictionary<string, JsonElement>? Arguments, string? Fault) Read(string text, string schema)
    {
        if (text.Length > Longest)
        {
            return (null, $"The arguments are longer than {Longest} characters.");
        }

        try
        {
            var arguments = JsonElement.Parse(text);
            if (arguments.ValueKind != JsonValueKind.Object)
            {
                return (null, "The arguments are not a JSON object.");
            }

            var fault = FaultOf(arguments, JsonElement.Parse(schema));
            return fault is null ? (arguments.EnumerateObject().DistinctBy(p => p.Name).ToDictionary(p => p.Name, p => p.Value), null) : (null, fault);
        }
        catch (JsonException)
        {
            return (null, "The arguments are not valid JSON.");
        }
    }

    private static string? FaultOf(JsonElement arguments, JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        if (schema.TryGetProperty("required", out var required) && required.ValueKind == JsonValueKind.Array
            && required.EnumerateArray().FirstOrDefault(name => name.ValueKind == JsonValueKind.String && !arguments.TryGetProperty(name.GetString()!, out _)) is { ValueKind: JsonValueKind.String } missing)
        {
            return $"The argument '{missing.GetString()}' is missing.";
        }

        return schema.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object
            ? arguments.EnumerateObject().Where(given => properties.TryGetProperty(given.Name, out var wanted) && !Fits(given.Value, wanted))
                .Select(given => $"The argument '{given.Name}' is of another type than the tool takes.").FirstOrDefault()
            : null;
    }

    private static bool Fits(JsonElement value, JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object || !schema.TryGetProperty("type", out var type))
        {
            return true;
        }

        return type.ValueKind switch
        {
            JsonValueKind.String => IsOf(value, type.GetString()!),
            JsonValueKind.Array => type.EnumerateArray().Any(one => one.ValueKind == JsonValueKind.String && IsOf(value, one.GetString()!)),
            _ => true,
        };
    }

    private static bool IsOf(JsonElement value, string type) => type switch
    {
        "string" => value.ValueKind == JsonValueKind.String,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && Math.Floor(number) == number, // 1.0 is an integer
        "array" => value.ValueKind == JsonValueKind.Array,
        "object" => value.ValueKind == JsonValueKind.Object,
        "null" => value.ValueKind == JsonValueKind.Null,
        _ => true,
    };
}
