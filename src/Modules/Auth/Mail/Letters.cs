using System.Net;

namespace LlmPlatform.Auth.Mail;

/// <summary>What is written to people.</summary>
public enum Letter
{
    /// <summary>Somebody is invited.</summary>
    Invitation,

    /// <summary>Somebody signed up and is to confirm the address.</summary>
    SignUp,

    /// <summary>Somebody signed up with an address that is registered.</summary>
    AlreadyRegistered,

    /// <summary>Somebody forgot the password.</summary>
    PasswordReset,

    /// <summary>The password is another one now.</summary>
    PasswordChanged,

    /// <summary>A new address is to be confirmed.</summary>
    EmailConfirmation,

    /// <summary>To the address that was there before.</summary>
    EmailChange,
}

/// <summary>A letter as it goes out.</summary>
internal sealed record LetterText(string Subject, string Text, string Html);

/// <summary>The one place where mails are worded. They name nobody, so that a mail to a wrong address tells nothing.</summary>
internal static class Letters
{
    public static LetterText Compose(Letter letter, string? link)
    {
        var (subject, sentences) = Words(letter);
        var lines = link is null ? sentences : [sentences[0], link, .. sentences[1..]];
        return new LetterText(subject, string.Join("\n\n", lines) + "\n", Html(lines, link));
    }

    private static (string Subject, string[] Sentences) Words(Letter letter) => letter switch
    {
        Letter.Invitation => ("You are invited to LlmPlatform",
            ["An administrator invites you. Choose a name and a password here:", "The link works once, for seven days. If you did not expect it, do nothing."]),
        Letter.SignUp => ("Confirm your address",
            ["Somebody, probably you, signed up with this address. Confirm it here:", "The link works once, for a day. If it was not you, do nothing: no account is made."]),
        Letter.AlreadyRegistered => ("You have an account already",
            ["Somebody, probably you, signed up with this address, which has an account already. Sign in with it, or ask for a new password.", "If it was not you, do nothing."]),
        Letter.PasswordReset => ("Choose a new password",
            ["Somebody, probably you, asked for a new password. Choose it here:", "The link works once, for an hour, and signs you out everywhere. If it was not you, do nothing: your password stays."]),
        Letter.PasswordChanged => ("Your password was changed",
            ["Your password was changed, and you were signed out elsewhere.", "If it was not you, ask an administrator at once."]),
        Letter.EmailConfirmation => ("Confirm your new address",
            ["This is to be the address of an account. Confirm it here:", "The link works once, for a day. If you do not know of it, do nothing."]),
        Letter.EmailChange => ("Your address is being changed",
            ["Your account is to get another e-mail address.", "If it was not you, change your password and ask an administrator at once."]),
        _ => throw new ArgumentOutOfRangeException(nameof(letter)),
    };

    private static string Html(IEnumerable<string> lines, string? link) =>
        $"<!doctype html><html lang=\"en\"><body style=\"font:16px/1.5 sans-serif\">{string.Concat(lines.Select(line => $"<p>{Paragraph(line, link)}</p>"))}</body></html>";

    private static string Paragraph(string line, string? link)
    {
        var text = WebUtility.HtmlEncode(line);
        return line == link ? $"<a href=\"{text}\">{text}</a>" : text;
    }
}
