using System.Globalization;
using System.Text;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Auth.Users;

/// <summary>
/// The canonical form of an e-mail address, in which two spellings of one mailbox are equal: trimmed, composed (NFC), lower case, the domain in
/// its ASCII form. It decides who somebody is; mail goes to what the person typed.
/// </summary>
internal static class EmailAddress
{
    private const int LongestAddress = 254;
    private const int LongestLocalPart = 64;
    private static readonly IdnMapping Domains = new() { UseStd3AsciiRules = true };

    /// <summary>The canonical form, or null where the text is no address.</summary>
    public static string? Canonical(string? text)
    {
        if (text is null || text.Length > LongestAddress)
        {
            return null;
        }

        try
        {
            // Lower case may undo the composition of a few letters, hence the second pass.
            var address = text.Trim().Normalize().ToLowerInvariant().Normalize();
            var at = address.LastIndexOf('@');
            if (at is < 1 or > LongestLocalPart || !IsLocalPart(address[..at]))
            {
                return null;
            }

            var canonical = $"{address[..at]}@{Domains.GetAscii(address[(at + 1)..].TrimEnd('.')).ToLowerInvariant()}";
            return canonical.Length <= LongestAddress ? canonical : null;
        }
        catch (ArgumentException)
        {
            // Half a surrogate pair cannot be composed, and not every text is a domain.
            return null;
        }
    }

    /// <summary>The id of the claim on an address: equal for equal mailboxes, and tells a reader of the database nothing.</summary>
    public static string ClaimId(this MasterKey master, string canonicalEmail) => master.BlindIndex("email", canonicalEmail);

    private static bool IsLocalPart(string text) =>
        !text.StartsWith('.') && !text.EndsWith('.') && !text.Contains("..", StringComparison.Ordinal) && text.EnumerateRunes().All(IsVisible);

    private static bool IsVisible(Rune rune) =>
        rune.Value != '@' && Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.OtherNotAssigned
            or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate or UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator);
}
