extern alias engine;

using System.Text;
using engine::LlmPlatform.Inference.Engine.Constraints;

namespace LlmPlatform.ModuleTests.Engine.Constraints;

/// <summary>All bytes, pieces that cross the borders of JSON and of characters, two control tokens and one that ends.</summary>
internal sealed class ByteVocabulary : IVocabularyText
{
    internal const string CallMarker = "[TOOL_CALLS]";

    private static readonly string[] pieces =
    [
        "\"}", "\":", "\": ", "\",", "\", \"", "{\"", "[{\"", "}]", "}}", "]}", "\"]", "\"]}", "[]", "{}", "true", "false", "null",
        "nul", "tru", "e,", "-1", "10", "00",
        "12", ".5", "e-", "\\\"", "\\n", "\\u", "\\u00", "\\ud8", "ab", "abc", "na", "me", "name", "\"name", "id", "é", "ü\"", "日", "本\"", "😀", "x😀", " ",
        "  ", "\n",
        "a\"", "1}", "2]", "0\"", "-0", ": ", ", ", "T0", "Z\"", "2024-", "01-01", "tool", "_call", "<tool", "call>",
    ];

    private readonly List<byte[]> texts = [];

    internal ByteVocabulary(IEnumerable<string>? more = null)
    {
        for (var value = 0; value < 256; value++)
        {
            texts.Add([(byte)value]);
        }

        texts.AddRange(pieces.Concat(more ?? []).Select(Encoding.UTF8.GetBytes));
        texts.AddRange([[0xE6, 0x97], [0xA5], [0xF0, 0x9F], [0x98, 0x80], [0xC3], [0xA9, (byte)'"'], [], [], []]);
        (Call, Other, End) = (texts.Count - 3, texts.Count - 2, texts.Count - 1);
    }

    public int Size => texts.Count;

    internal int Call { get; }

    internal int Other { get; }

    internal int End { get; }

    public ReadOnlySpan<byte> Bytes(int token) => texts[token];

    public bool EndsGeneration(int token) => token == End;

    public int? ControlToken(string text) => text == CallMarker ? Call : null;
}
