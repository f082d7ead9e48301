using System.Text;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Explore.Catalogue;

/// <summary>
/// Cuts texts into the words that a search compares. Names of models are not prose: <c>Qwen2.5-7B-Q4_K_M</c> is found by <c>qwen</c>, <c>2.5</c>,
/// <c>7b</c> and <c>q4_k</c>. Words hold letters, digits, dots between digits and inner underscores only, so nothing has to be escaped in a query.
/// </summary>
internal static class Words
{
    private const int Longest = 40;

    /// <summary>The words of a text in lower case, in their order.</summary>
    public static IEnumerable<string> Of(string text)
    {
        var plain = PlainText.Of(text);
        for (var start = 0; start < plain.Length;)
        {
            var end = start;
            while (end < plain.Length && end - start < Longest && IsInside(plain, end, start))
            {
                end++;
            }

            if (plain[start..end].Trim('_') is { Length: > 0 } word)
            {
                yield return word;
            }

            start = Math.Max(end, start + 1);
        }
    }

    /// <summary>What a document is found by: its words, and the parts that people type apart.</summary>
    public static IEnumerable<string> Indexed(string text) => Of(text).SelectMany(word => Parts(word).Where(part => part.Length > 1 || HasName(word)).Prepend(word)).Distinct();

    /// <summary>The parts of a word that begins with a name, such as <c>llama</c> and <c>3</c> of <c>llama3</c>; none where it is one piece, or a measure such as <c>8b</c>.</summary>
    public static IReadOnlyList<string> NamedParts(string word) => HasName(word) && Parts(word) is { Count: > 1 } parts ? parts : [];

    /// <summary>A word cut at underscores and where letters meet digits.</summary>
    private static List<string> Parts(string word)
    {
        var parts = new List<string>();
        var start = 0;
        for (var i = 1; i <= word.Length; i++)
        {
            if (i == word.Length || word[i] == '_' || word[start] == '_' || IsNumeric(word[i]) != IsNumeric(word[i - 1]))
            {
                if (word[start..i].Trim('_') is { Length: > 0 } part)
                {
                    parts.Add(part);
                }

                start = i;
            }
        }

        return parts;
    }

    private static bool HasName(string word) => word.Length > 2 && !word[..2].Any(c => IsNumeric(c) || c == '_');

    private static bool IsInside(string text, int at, int start) =>
        IsWord(text, at) || text[at] == '_'
        || (text[at] == '.' && at > start && at + 1 < text.Length && char.IsAsciiDigit(text[at - 1]) && char.IsAsciiDigit(text[at + 1]));

    private static bool IsWord(string text, int at) => char.IsLetterOrDigit(text[at]) || (char.IsSurrogate(text[at]) && IsWordRune(text, at));

    private static bool IsWordRune(string text, int at) => Rune.TryGetRuneAt(text, char.IsLowSurrogate(text[at]) ? at - 1 : at, out var rune) && Rune.IsLetterOrDigit(rune);

    private static bool IsNumeric(char c) => char.IsAsciiDigit(c) || c == '.';
}
