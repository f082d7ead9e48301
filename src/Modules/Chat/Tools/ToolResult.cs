using System.Globalization;
using System.Text;
using ModelContextProtocol.Protocol;

namespace LlmPlatform.Chat.Tools;

/// <summary>What came of a call, for the model.</summary>
/// <param name="Text">The result, or a sentence that says why there is none; 32 KiB of UTF-8 at most.</param>
/// <param name="IsError">Whether the call failed or was not made.</param>
/// <param name="Code">Why there is no result, such as <c>tools.unknown</c>; null where the tool itself answered.</param>
internal sealed record ToolResult(string Text, bool IsError, string? Code)
{
    internal const int MostBytes = 32 << 10;

    public static ToolResult Failed(string code, string sentence) => new(sentence, IsError: true, code);

    /// <summary>Takes the text of an answer and names what is none.</summary>
    public static ToolResult Of(CallToolResult answer)
    {
        var text = string.Join('\n', answer.Content.Select(TextOf));
        if (text.Length == 0)
        {
            text = answer.StructuredContent is { } content ? content.GetRawText() : "The tool gave no text.";
        }

        return new ToolResult(Cut(text), answer.IsError == true, null);
    }

    private static string TextOf(ContentBlock block) => block switch
    {
        TextContentBlock text => text.Text,
        ImageContentBlock image => LeftOut(image.MimeType, image.Data.Length),
        AudioContentBlock audio => LeftOut(audio.MimeType, audio.Data.Length),
        EmbeddedResourceBlock { Resource: TextResourceContents text } => text.Text,
        EmbeddedResourceBlock { Resource: BlobResourceContents blob } => LeftOut(blob.MimeType ?? "resource", blob.Blob.Length),
        ResourceLinkBlock link => $"[link to {Line(link.Uri)}, not followed]",
        _ => $"[{Line(block.Type)}, left out]",
    };

    private static string LeftOut(string kind, int base64Bytes) =>
        string.Create(CultureInfo.InvariantCulture, $"[{Line(kind)}, {Math.Max(1, ((base64Bytes / 4 * 3) + 999) / 1000)} kB, left out]");

    private static string Line(string text) => text.Length <= 200 ? text : text[..200];

    private static string Cut(string text)
    {
        var bytes = Encoding.UTF8.GetByteCount(text);
        if (bytes <= MostBytes)
        {
            return text;
        }

        var note = string.Create(CultureInfo.InvariantCulture, $"\n[The result has {bytes} bytes and is cut here.]");
        var room = new byte[MostBytes - note.Length];
        Encoding.UTF8.GetEncoder().Convert(text, room, flush: false, out _, out var used, out _); // it never splits a character
        return Encoding.UTF8.GetString(room, 0, used) + note;
    }
}
