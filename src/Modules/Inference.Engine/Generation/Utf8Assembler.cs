using System.Text;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// Joins the bytes of tokens to characters. A token may end inside one; its bytes wait for the next token, and a character that the end of
/// the generation cuts off is dropped. Bytes that can never become a character turn into U+FFFD.
/// </summary>
internal sealed class Utf8Assembler
{
    private readonly Decoder decoder = Encoding.UTF8.GetDecoder();

    /// <summary>The bytes so far end inside a character.</summary>
    internal bool HasPart => decoder.GetCharCount([], flush: true) > 0;

    internal string Push(ReadOnlySpan<byte> bytes)
    {
        Span<char> characters = stackalloc char[128];
        if (bytes.Length + 4 > characters.Length)
        {
            characters = new char[bytes.Length + 4];
        }

        return new string(characters[..decoder.GetChars(bytes, characters, flush: false)]);
    }
}
