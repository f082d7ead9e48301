using System.Text.Json;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>Text as the inside of a JSON string, and back.</summary>
internal static class JsonStrings
{
    internal static string Escape(string text)
    {
        if (!text.AsSpan().ContainsAny('"', '\\') && !text.AsSpan().ContainsAnyInRange('\0', '\x1f'))
        {
            return text;
        }

        return string.Concat(text.Select(Escape));
    }

    internal static string Escape(char letter) => letter switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        < ' ' => $"\\u{(int)letter:x4}",
        _ => letter.ToString(),
    };

    /// <summary>Returns the text of a JSON string with its quotes, or null where an escape names half a character.</summary>
    internal static string? Decode(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.GetString();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
