using MailKit.Security;
using Microsoft.Extensions.Configuration;
using MimeKit;

namespace LlmPlatform.Auth.Mail;

/// <summary>The mail server of the section <c>Smtp</c>; none, where no host is set.</summary>
public sealed class MailSettings
{
    public MailSettings(IConfiguration configuration)
    {
        var section = configuration.GetSection("Smtp");
        if (section["Host"] is not { Length: > 0 } host)
        {
            return;
        }

        Host = host;
        Tls = section["Tls"]?.ToLowerInvariant() switch
        {
            null or "" or "starttls" => SecureSocketOptions.StartTls, // a server that does not offer it gets nothing
            "implicit" => SecureSocketOptions.SslOnConnect,
            "none" => SecureSocketOptions.None,
            _ => throw new InvalidOperationException("Smtp:Tls is one of starttls, implicit and none."),
        };
        Port = section.GetValue<int?>("Port") ?? (Tls == SecureSocketOptions.SslOnConnect ? 465 : 587);
        (User, Password) = (section["User"], section["Password"]);
        From = MailboxAddress.TryParse(section["From"], out var from) ? from : throw new InvalidOperationException("Smtp:From is the address that mails come from.");
    }

    public string? Host { get; }

    public int Port { get; }

    public SecureSocketOptions Tls { get; }

    public string? User { get; }

    public string? Password { get; }

    internal MailboxAddress? From { get; }

    /// <summary>Whether mails can be sent.</summary>
    public bool IsOn => Host is not null;
}
