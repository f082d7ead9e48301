using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using System.Text.Json;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Auth.Users;

/// <summary>
/// What a person may be called, and when two names look alike. What may stand in a name is what the PRECIS nickname profile (RFC 8266) lets
/// through; two names are one where they share a skeleton (UTS 39), so nobody can stand in for somebody else.
/// </summary>
internal static class DisplayName
{
    public const int Longest = 200;

    private static readonly Lazy<FrozenDictionary<string, string>> Prototypes = new(ReadPrototypes);

    /// <summary>The name as it is kept and shown: composed, single spaces, none at the ends; or null where the text is no name.</summary>
    public static string? Tidy(string? text)
    {
        if (text is null || text.Length > Longest)
        {
            return null;
        }

        try
        {
            // Compatibility forms are looked at too: some letters show what they are made of only there.
            var name = string.Join(' ', text.Normalize().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
            var compatible = name.Normalize(NormalizationForm.FormKC);
            return compatible.Length > 0 && !text.Any(char.IsControl) && name.EnumerateRunes().All(IsAllowed) && compatible.EnumerateRunes().All(IsAllowed)
                && compatible.EnumerateRunes().Any(Rune.IsLetterOrDigit) ? name : null;
        }
        catch (ArgumentException)
        {
            return null; // half a surrogate pair cannot be composed
        }
    }

    /// <summary>
    /// What a name looks like, whatever letters it is written with: as it stands, and in small letters. Some capitals look like others although their
    /// small letters do not, and the other way round. Names that share a skeleton look alike.
    /// </summary>
    public static IReadOnlyList<string> Skeletons(string name)
    {
        var letters = name.Normalize(NormalizationForm.FormKD);
        return [.. new[] { Settled(Prototype(letters)), Settled(letters) }.Distinct()];
    }

    /// <summary>The ids of the claims on a name: one is equal for names that look alike, and none tells a reader of the database anything.</summary>
    public static string[] NameClaimIds(this MasterKey master, string name) => [.. Skeletons(name).Select(skeleton => master.BlindIndex("name", skeleton))];

    // Prototypes hold capitals, and small letters have prototypes of their own, hence the rounds.
    private static string Settled(string look)
    {
        while (true)
        {
            var next = Prototype(Fold(look));
            if (next == look)
            {
                return next;
            }

            look = next;
        }
    }

    private static string Prototype(string text) =>
        string.Concat(text.EnumerateRunes().Select(rune => Prototypes.Value.GetValueOrDefault(rune.ToString(), rune.ToString()))).Normalize(NormalizationForm.FormKD);

    // By way of the capitals, in which letters such as the final sigma are equal.
    private static string Fold(string text) => text.ToUpperInvariant().ToLowerInvariant();

    private static bool IsAllowed(Rune rune) =>
        !IsInvisible(rune.Value) && (rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
            or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate or UnicodeCategory.SpaceSeparator
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator));

    // Letters and marks that show nothing (Default_Ignorable_Code_Point beside the format characters), parts of old Hangul, and the blank of Braille.
    private static bool IsInvisible(int value) =>
        value is 0x034F or 0x2800 or 0x3164 or 0xFFA0 or (>= 0x1100 and <= 0x11FF) or 0x17B4 or 0x17B5 or (>= 0x180B and <= 0x180F)
            or (>= 0xFE00 and <= 0xFE0F) or (>= 0xE0000 and <= 0xE0FFF);

    private static FrozenDictionary<string, string> ReadPrototypes()
    {
        using var list = typeof(DisplayName).Assembly.GetManifestResourceStream("confusables.json")!;
        return JsonSerializer.Deserialize<Dictionary<string, string>>(list)!.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
