using System.Globalization;
using System.Text;

namespace LlmPlatform.Explore.Hub;

/// <summary>Makes text that a stranger wrote harmless to whatever shows it: no control characters, nothing that turns the direction of writing, no more than fits.</summary>
internal static class HubText
{
    /// <summary>One line.</summary>
    /// <returns>Null where nothing is left.</returns>
    public static string? Line(string? text, int longest) => text is null ? null : Clean(text, longest, keepsLines: false).Trim() is { Length: > 0 } line ? line : null;

    /// <summary>Several lines.</summary>
    public static string Lines(string text, int longest) => Clean(text, longest, keepsLines: true);

    private static string Clean(string text, int longest, bool keepsLines)
    {
        var clean = new StringBuilder(Math.Min(text.Length, longest));
        foreach (var rune in text.EnumerateRunes())
        {
            if (clean.Length + rune.Utf16SequenceLength > longest)
            {
                break;
            }

            if (keepsLines && rune.Value is '\n' or '\t')
            {
                clean.Append((char)rune.Value);
            }
            else if (Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
                || rune.Value is 0x200D) // joins the parts of an emoji
            {
                clean.Append(rune);
            }
        }

        return clean.ToString();
    }
}
