using System.Text.Json.Nodes;

namespace LlmPlatform.ModuleTests.Engine.Constraints;

/// <summary>Schemas of all kinds that constraints honour, each of which some value meets.</summary>
internal sealed class RandomSchema(int seed)
{
    private static readonly string[] names = ["id", "name", "na", "a\"b", "é", "tool", "x y", "日本"];
    private static readonly string[] patterns = ["^[a-z]{1,4}$", "^(ab|c)+$", "\\d{2}", "^\\w+@\\w+$", "^a?b*\"?$", "^[^a]x", "z$"];
    private static readonly string[] formats = ["date", "date-time", "uuid", "ipv4", "ipv6", "email", "uri", "hostname"];

    private readonly Random random = new(seed);

    // The validator reads no references in a root that is one.
    internal JsonObject Next() => new()
    {
        ["type"] = "object",
        ["properties"] = new JsonObject { ["value"] = Any(0) },
        ["required"] = new JsonArray("value"),
        ["definitions"] = new JsonObject { ["leaf"] = Leaf(), ["tree"] = Tree() },
    };

    private JsonObject Any(int depth) => (depth > 3 ? 0 : random.Next(10)) switch
    {
        < 3 => Leaf(),
        3 or 4 => Array(depth),
        5 => new JsonObject { ["anyOf"] = new JsonArray(Any(depth + 1), Any(depth + 1)) },
        6 => new JsonObject { ["$ref"] = random.Next(2) == 0 ? "#/definitions/leaf" : "#/definitions/tree" },
        7 => OneOf(depth),
        _ => Object(depth),
    };

    private JsonObject Leaf() => random.Next(9) switch
    {
        0 => new JsonObject { ["type"] = new JsonArray("boolean", "null") },
        1 => new JsonObject { ["enum"] = new JsonArray("a", "ab\"", 1, JsonNode.Parse("null"), "日") },
        2 => Bounded("integer", random.Next(-200, 200), random.Next(0, 300)),
        3 => Bounded("number", random.Next(-900, 900) / 40m, random.Next(0, 300) / 40m),
        4 => new JsonObject { ["type"] = "string", ["pattern"] = Pick(patterns) },
        5 => new JsonObject { ["type"] = "string", ["format"] = Pick(formats) },
        6 => Lengths(new JsonObject { ["type"] = "string" }, "minLength", "maxLength"),
        7 => new JsonObject { ["type"] = Pick("number", "integer", "string") },
        _ => new JsonObject { ["type"] = "string", ["description"] = "any text" },
    };

    private JsonObject Bounded(string type, decimal min, decimal width)
    {
        var schema = new JsonObject { ["type"] = type };
        var isOpen = random.Next(3) == 0;
        schema[isOpen ? "exclusiveMinimum" : "minimum"] = min;
        if (random.Next(3) > 0)
        {
            schema[isOpen ? "exclusiveMaximum" : "maximum"] = min + width + 3;
        }

        return schema;
    }

    private JsonObject Lengths(JsonObject schema, string least, string most)
    {
        var min = random.Next(4);
        schema[least] = min;
        if (random.Next(3) > 0)
        {
            schema[most] = min + random.Next(5);
        }

        return schema;
    }

    private JsonObject Array(int depth) => Lengths(new JsonObject { ["type"] = "array", ["items"] = Any(depth + 1) }, "minItems", "maxItems");

    private JsonObject Object(int depth)
    {
        var properties = new JsonObject();
        foreach (var name in names.Where(_ => random.Next(3) == 0))
        {
            properties[name] = Any(depth + 1);
        }

        var required = new JsonArray([.. properties.Select(p => p.Key).Where(_ => random.Next(2) == 0).Select(n => JsonValue.Create(n))]);
        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties, ["required"] = required };
        switch (random.Next(4))
        {
            case 0:
                schema["additionalProperties"] = false;
                break;
            case 1:
                schema["additionalProperties"] = Any(depth + 1);
                break;
            case 2 when depth < 3:
                var more = new JsonObject { ["type"] = "object", ["properties"] = new JsonObject { ["more"] = Any(depth + 1) } };
                return new JsonObject { ["allOf"] = new JsonArray(schema, more) };
            default:
                break;
        }

        return schema;
    }

    private JsonObject OneOf(int depth) => new()
    {
        ["oneOf"] = new JsonArray(Tagged("a", depth), Tagged("b", depth), new JsonObject { ["type"] = "integer" }),
    };

    private JsonObject Tagged(string tag, int depth) => new()
    {
        ["type"] = "object",
        ["properties"] = new JsonObject { ["kind"] = new JsonObject { ["enum"] = new JsonArray(tag) }, ["value"] = Any(depth + 1) },
        ["required"] = new JsonArray("kind"),
    };

    private static JsonObject Tree() => new()
    {
        ["type"] = "object",
        ["properties"] = new JsonObject
        {
            ["leaf"] = new JsonObject { ["$ref"] = "#/definitions/leaf" },
            ["children"] = new JsonObject { ["type"] = "array", ["items"] = new JsonObject { ["$ref"] = "#/definitions/tree" }, ["maxItems"] = 2 },
        },
        ["required"] = new JsonArray("leaf"),
    };

    private string Pick(params string[] options) => options[random.Next(options.Length)];
}
