using System.Text.Json;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LlmPlatform.Inference.OpenAi;

/// <summary>
/// A JSON object that a client sent, read strictly: a field of the wrong type, out of range or given twice is refused by its path, because a
/// setting that is silently dropped is a wrong answer that looks right.
/// </summary>
internal sealed class JsonBody
{
    private const long LongestBody = 8 << 20;
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 64 };
    private readonly JsonElement element;

    private JsonBody(JsonElement element, string path) => (this.element, Path) = (element, path);

    /// <summary>Where this object stands in the body, empty for the body itself.</summary>
    public string Path { get; }

    /// <summary>Names of its fields.</summary>
    public IEnumerable<string> Names => element.EnumerateObject().Select(p => p.Name);

    /// <summary>This object as it was sent.</summary>
    public string Json => element.GetRawText();

    public static async Task<JsonBody> ReadAsync(HttpContext context)
    {
        if (!context.Request.HasJsonContentType())
        {
            throw new Refusal(new Error(415, "content_type.unsupported", "Send the body as application/json."));
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = LongestBody;
        }

        JsonDocument document;
        try
        {
            document = await JsonDocument.ParseAsync(context.Request.Body, Options, context.RequestAborted);
        }
        catch (JsonException)
        {
            throw NotJson();
        }

        context.Response.RegisterForDispose(document);
        return Checked(document);
    }

    /// <summary>Parses a text, for what does not come over HTTP.</summary>
    public static JsonBody Parse(string json)
    {
        try
        {
            return Checked(JsonDocument.Parse(json, Options));
        }
        catch (JsonException)
        {
            throw NotJson();
        }
    }

    public bool Has(string name) => Find(name) is not null;

    public string RequiredText(string name) => Text(name) ?? throw Missing(name);

    public string? Text(string name) => Find(name) is { } value ? TextOf(value, At(name)) : null;

    public bool? Flag(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => throw WrongType(At(name), "true or false"),
    };

    public long? Whole(string name, long least, long most)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Number)
        {
            throw WrongType(At(name), "a whole number");
        }

        return value.TryGetInt64(out var number) && number >= least && number <= most
            ? number
            : throw Refusal.BadParam(At(name), $"{At(name)} is a whole number from {least} to {most}.");
    }

    public float? Number(string name, float least, float most)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Number)
        {
            throw WrongType(At(name), "a number");
        }

        return value.TryGetDouble(out var number) && number >= least && number <= most
            ? (float)number
            : throw Refusal.BadParam(At(name), FormattableString.Invariant($"{At(name)} is a number from {least} to {most}."));
    }

    public JsonBody? Object(string name) => Find(name) is { } value ? Of(value, At(name)) : null;

    /// <summary>Any JSON value, as it was sent.</summary>
    public string? Any(string name) => Find(name)?.GetRawText();

    /// <summary>The objects of an array, each with its path.</summary>
    public IReadOnlyList<JsonBody>? Objects(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Array } array => [.. array.EnumerateArray().Select((item, i) => Of(item, $"{At(name)}[{i}]"))],
        _ => throw WrongType(At(name), "an array of objects"),
    };

    /// <summary>One text or an array of texts.</summary>
    public IReadOnlyList<string>? Texts(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => [TextOf(text, At(name))],
        { ValueKind: JsonValueKind.Array } array => [.. array.EnumerateArray().Select((item, i) => TextOf(item, $"{At(name)}[{i}]"))],
        _ => throw WrongType(At(name), "a text or an array of texts"),
    };

    /// <summary>Whole numbers that fit into 32 bits and are not negative.</summary>
    public IReadOnlyList<int> Wholes(string name) => WholesOf(Find(name) ?? throw Missing(name), At(name));

    public IReadOnlyList<IReadOnlyList<int>> ListsOfWholes(string name) =>
        [.. Find(name)!.Value.EnumerateArray().Select((item, i) => WholesOf(item, $"{At(name)}[{i}]"))];

    /// <summary>By its first entry.</summary>
    public bool IsListOfWholes(string name) => FirstKind(name) == JsonValueKind.Number;

    /// <summary>By its first entry.</summary>
    public bool IsListOfLists(string name) => FirstKind(name) == JsonValueKind.Array;

    public bool IsText(string name) => Find(name) is { ValueKind: JsonValueKind.String };

    /// <summary>An array or object with nothing in it.</summary>
    public bool IsEmpty(string name) => Find(name) switch
    {
        { ValueKind: JsonValueKind.Array } array => array.GetArrayLength() == 0,
        { ValueKind: JsonValueKind.Object } value => value.GetPropertyCount() == 0,
        _ => false,
    };

    public string At(string name) => Path.Length == 0 ? name : $"{Path}.{name}";

    public Refusal Missing(string name) => Refusal.BadParam(At(name), $"{At(name)} is missing.", "param.missing");

    private static Refusal NotJson() => new(new Error(400, "json.invalid", "The body is not valid JSON."));

    private static JsonBody Checked(JsonDocument document)
    {
        CheckNames(document.RootElement, "");
        return Of(document.RootElement, "");
    }

    // Also where nobody looks later: which of two fields of one name counts is a question that two readers answer differently.
    private static void CheckNames(JsonElement value, string path)
    {
        if (value.ValueKind == JsonValueKind.Array)
        {
            var i = 0;
            foreach (var item in value.EnumerateArray())
            {
                CheckNames(item, $"{path}[{i}]");
                i++;
            }
        }
        else if (value.ValueKind == JsonValueKind.Object)
        {
            var names = new HashSet<string>(StringComparer.Ordinal);
            foreach (var field in value.EnumerateObject())
            {
                var name = NameOf(field, path);
                var at = path.Length == 0 ? name : $"{path}.{name}";
                if (!names.Add(name))
                {
                    throw Refusal.BadParam(at, $"{at} is given twice.", "json.invalid");
                }

                CheckNames(field.Value, at);
            }
        }
    }

    private static string NameOf(JsonProperty field, string path)
    {
        try
        {
            return field.Name;
        }
        catch (InvalidOperationException)
        {
            throw Refusal.BadParam(path.Length == 0 ? "body" : path, "A field's name holds half a character (a lone surrogate).", "json.invalid");
        }
    }

    private static JsonBody Of(JsonElement value, string path) =>
        value.ValueKind == JsonValueKind.Object ? new JsonBody(value, path) : throw WrongType(path.Length == 0 ? "body" : path, "an object");

    private static Refusal WrongType(string path, string wanted) => Refusal.BadParam(path, $"{path} has to be {wanted}.", "param.type");

    // JSON null means "not given", as OpenAI's own clients send it.
    private JsonElement? Find(string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private JsonValueKind? FirstKind(string name) =>
        Find(name) is { ValueKind: JsonValueKind.Array } array && array.GetArrayLength() > 0 ? array[0].ValueKind : null;

    private static IReadOnlyList<int> WholesOf(JsonElement value, string path) => value.ValueKind == JsonValueKind.Array
        ? [.. value.EnumerateArray().Select((item, i) => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var number) && number >= 0
            ? number
            : throw WrongType($"{path}[{i}]", "a whole number from 0 on"))]
        : throw WrongType(path, "an array of whole numbers");

    private static string TextOf(JsonElement value, string path)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            throw WrongType(path, "a text");
        }

        string text;
        try
        {
            text = value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Refusal.BadParam(path, $"{path} holds half a character (a lone surrogate).", "json.invalid");
        }

        return text.Contains('\0', StringComparison.Ordinal)
            ? throw Refusal.BadParam(path, $"{path} holds the character U+0000, which no text may.", "text.control_char")
            : text;
    }
}
