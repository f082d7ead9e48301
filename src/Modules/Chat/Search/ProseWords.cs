using System.Globalization;
using System.Text;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Chat.Search;

/// <summary>A word of a text: as it is compared, and where it stands.</summary>
/// <param name="Plain">In lower case and without accents.</param>
/// <param name="Start">Its first character in the text.</param>
/// <param name="Length">Its characters in the text.</param>
/// <param name="IsPiece">Whether it is a piece of a text without spaces, which begins no longer word.</param>
internal readonly record struct ProseWord(string Plain, int Start, int Length, bool IsPiece);

/// <summary>
/// Cuts prose into words. Chinese, Japanese and Korean write no spaces, or not where a search needs them: there, each character and each pair of
/// neighbours counts as a word.
/// </summary>
internal static class ProseWords
{
    public const int Longest = 40;

    /// <summary>The words of a text, in their order.</summary>
    public static IEnumerable<ProseWord> Of(string text) => Cut(text, isTyped: false);

    /// <summary>The words that somebody looks for. Of a text without spaces only pairs: every page has each of the characters.</summary>
    public static IEnumerable<ProseWord> Typed(string text) => Cut(text, isTyped: true);

    private static IEnumerable<ProseWord> Cut(string text, bool isTyped)
    {
        for (var at = 0; at < text.Length;)
        {
            var kind = KindAt(text, at);
            var end = at + LengthAt(text, at);
            while (end < text.Length && kind != Kind.None && (KindAt(text, end) == kind || IsMark(text, end)))
            {
                end += LengthAt(text, end);
            }

            foreach (var word in kind switch { Kind.Word => Whole(text, at, end), Kind.Piece => Pieces(text, at, end, isTyped), _ => [] })
            {
                yield return word;
            }

            at = end;
        }
    }

    private static IEnumerable<ProseWord> Whole(string text, int start, int end)
    {
        var plain = PlainOf(text[start..end]);
        if (plain.Length > 0)
        {
            yield return new ProseWord(plain, start, end - start, IsPiece: false);
        }
    }

    private static IEnumerable<ProseWord> Pieces(string text, int start, int end, bool isTyped)
    {
        var last = -1; // where the character before begins
        for (var at = start; at < end;)
        {
            var next = at + LengthAt(text, at);
            while (next < end && IsMark(text, next))
            {
                next += LengthAt(text, next);
            }

            if ((!isTyped || (last < 0 && next == end)) && PlainOf(text[at..next]) is { Length: > 0 } single)
            {
                yield return new ProseWord(single, at, next - at, IsPiece: true);
            }

            if (last >= 0 && PlainOf(text[last..next]) is { Length: > 0 } pair)
            {
                yield return new ProseWord(pair, last, next - last, IsPiece: true);
            }

            (last, at) = (at, next);
        }
    }

    private static string PlainOf(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (var rune in PlainText.Of(text).EnumerateRunes())
        {
            if (Rune.IsLetterOrDigit(rune) && plain.Length + rune.Utf16SequenceLength <= Longest)
            {
                plain.Append(rune);
            }
        }

        return plain.ToString();
    }

    private enum Kind
    {
        None,
        Word,
        Piece,
    }

    private static Kind KindAt(string text, int at) => !Rune.TryGetRuneAt(text, at, out var rune) || !Rune.IsLetterOrDigit(rune) ? Kind.None : IsPiece(rune.Value) ? Kind.Piece : Kind.Word;

    private static bool IsMark(string text, int at) =>
        Rune.TryGetRuneAt(text, at, out var rune) && Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;

    private static int LengthAt(string text, int at) => Rune.TryGetRuneAt(text, at, out var rune) ? rune.Utf16SequenceLength : 1;

    // Blocks of Unicode 17: kana, Hangul with its jamo, and Han with its extensions and compatibility forms, half-width forms included.
    private static bool IsPiece(int rune) => rune is
        (>= 0x1100 and <= 0x11FF) or (>= 0x3005 and <= 0x3007) or (>= 0x3040 and <= 0x30FF) or (>= 0x3130 and <= 0x318F) or (>= 0x31F0 and <= 0x31FF)
        or (>= 0x3400 and <= 0x4DBF) or (>= 0x4E00 and <= 0x9FFF) or (>= 0xA960 and <= 0xA97F) or (>= 0xAC00 and <= 0xD7FF) or (>= 0xF900 and <= 0xFAFF)
        or (>= 0xFF66 and <= 0xFFDC) or (>= 0x1AFF0 and <= 0x1B16F) or (>= 0x20000 and <= 0x3FFFF);
}
