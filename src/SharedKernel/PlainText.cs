using System.Globalization;
using System.Text;

namespace LlmPlatform.SharedKernel;

/// <summary>Texts as a search compares them.</summary>
public static class PlainText
{
    /// <summary>
    /// The text in lower case, without what makes no difference to whoever types: accents and compatibility forms, which NFKD takes apart, and what is
    /// no character at all. It may be shorter or longer than the text.
    /// </summary>
    public static string Of(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (var rune in Whole(text).Normalize(NormalizationForm.FormKD).EnumerateRunes())
        {
            if (Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark))
            {
                plain.Append(Rune.ToLowerInvariant(rune));
            }
        }

        return plain.ToString();
    }

    // Half a surrogate pair cannot be normalised, and PostgreSQL takes no zero.
    private static string Whole(string text) => string.Concat(text.EnumerateRunes().Where(rune => rune.Value is not (0 or 0xFFFD)));
}
