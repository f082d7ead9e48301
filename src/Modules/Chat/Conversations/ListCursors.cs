using System.Security.Cryptography;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.WebUtilities;

namespace LlmPlatform.Chat.Conversations;

/// <summary>Cursors of lists that are one person's: sealed, so that another's, that of another list, or one that somebody made up, is refused and tells nothing.</summary>
public sealed class ListCursors(IDataProtectionProvider protection)
{
    private const int Longest = 2048;

    public string Seal(string list, Guid owner, string key) => WebEncoders.Base64UrlEncode(For(list, owner).Protect(System.Text.Encoding.UTF8.GetBytes(key)));

    /// <summary>Null for the first page.</summary>
    /// <exception cref="Refusal"><c>param.cursor</c></exception>
    public string? Open(string list, Guid owner, string? cursor)
    {
        if (string.IsNullOrEmpty(cursor))
        {
            return null;
        }

        try
        {
            return cursor.Length <= Longest ? System.Text.Encoding.UTF8.GetString(For(list, owner).Unprotect(WebEncoders.Base64UrlDecode(cursor))) : throw Foreign();
        }
        catch (Exception bad) when (bad is CryptographicException or FormatException)
        {
            throw Foreign();
        }
    }

    private static Refusal Foreign() => Refusal.BadParam("cursor", "'cursor' is not one that this list gave out.", "param.cursor");

    private IDataProtector For(string list, Guid owner) => protection.CreateProtector("chat.cursor", list, owner.ToString("n"));
}
