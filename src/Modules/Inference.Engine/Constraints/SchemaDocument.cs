using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>The text of a schema, and values in the one form in which they are written.</summary>
internal static class SchemaDocument
{
    private static readonly JsonDocumentOptions strict = new() { AllowDuplicateProperties = false, MaxDepth = ConstraintLimits.Depth };
    private static readonly JsonWriterOptions compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static JsonDocument Parse(string text)
    {
        if (text.Length > ConstraintLimits.Text)
        {
            throw ConstraintErrors.TooLarge($"The schema is longer than {ConstraintLimits.Text} characters", "#");
        }

        if (Deepest(text) > ConstraintLimits.Depth)
        {
            throw ConstraintErrors.TooLarge($"The schema nests deeper than {ConstraintLimits.Depth}", "#");
        }

        try
        {
            return JsonDocument.Parse(text, strict);
        }
        catch (JsonException error)
        {
            throw ConstraintErrors.Invalid("The schema is not valid JSON", $"line {error.LineNumber + 1}, byte {error.BytePositionInLine}");
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException)
        {
            throw ConstraintErrors.Invalid("The schema holds half a character", "#");
        }
    }

    internal static string Write(JsonElement value)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, compact))
        {
            value.WriteTo(writer);
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    /// <summary>A name as it stands between its quotes.</summary>
    internal static string Write(string name) => JsonEncodedText.Encode(name, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).Value;

    private static int Deepest(string text)
    {
        var (deepest, depth, isInText) = (0, 0, false);
        for (var i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '\\' when isInText:
                    i++;
                    break;
                case '"':
                    isInText = !isInText;
                    break;
                case '{' or '[' when !isInText:
                    deepest = Math.Max(deepest, ++depth);
                    break;
                case '}' or ']' when !isInText:
                    depth--;
                    break;
                default:
                    break;
            }
        }

        return deepest;
    }
}
