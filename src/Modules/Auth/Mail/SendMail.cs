using System.Text;
using System.Text.Json;
using JasperFx.Core;
using LlmPlatform.SharedKernel;
using MailKit.Net.Smtp;
using MimeKit;
using Wolverine.ErrorHandling;
using Wolverine.Runtime.Handlers;

namespace LlmPlatform.Auth.Mail;

/// <summary>Sends one letter, again and again until the mail server takes it. To whom and with which link is sealed: messages are stored.</summary>
/// <param name="Id">Names the mail to those who deliver it, so that one that is sent twice arrives once.</param>
/// <param name="Letter">Which letter.</param>
/// <param name="SealedContent">Address and link, sealed by the master key.</param>
public sealed record SendMail(Guid Id, Letter Letter, string SealedContent)
{
    internal static SendMail Of(MasterKey master, Letter letter, string to, string? link, DateTimeOffset now) =>
        new(Guid.CreateVersion7(now), letter, master.SealText(JsonSerializer.Serialize(new Envelope(to, link))));

    internal sealed record Envelope(string To, string? Link);
}

public static class SendMailHandler
{
    public static void Configure(HandlerChain chain) =>
        chain.OnAnyException().ScheduleRetry(5.Seconds(), 30.Seconds(), 2.Minutes(), 10.Minutes(), 30.Minutes()); // after that the links it carries are old

    public static async Task Handle(SendMail command, MailSettings settings, MasterKey master, CancellationToken cancellation)
    {
        if (settings is not { Host: { } host, From: { } from })
        {
            return; // it was switched off meanwhile
        }

        var envelope = JsonSerializer.Deserialize<SendMail.Envelope>(master.OpenText(command.SealedContent))!;
        var letter = Letters.Compose(command.Letter, envelope.Link);
        using var mail = new MimeMessage { Subject = letter.Subject, MessageId = $"{command.Id:n}@{from.Domain}", Body = new BodyBuilder { TextBody = letter.Text, HtmlBody = letter.Html }.ToMessageBody() };
        mail.From.Add(from);
        mail.To.Add(new MailboxAddress(Encoding.UTF8, null, envelope.To));
        using var client = new SmtpClient();
        await client.ConnectAsync(host, settings.Port, settings.Tls, cancellation);
        if (settings.User is { Length: > 0 } user)
        {
            await client.AuthenticateAsync(user, settings.Password ?? "", cancellation);
        }

        await client.SendAsync(mail, cancellation);
        await client.DisconnectAsync(true, cancellation);
    }
}

/// <summary>Seals what messages carry about people who may have no key of their own, because nobody has registered them yet.</summary>
internal static class SealedText
{
    public static string SealText(this MasterKey master, string text) => Convert.ToBase64String(master.Wrap(Encoding.UTF8.GetBytes(text)));

    public static string OpenText(this MasterKey master, string text) => Encoding.UTF8.GetString(master.Unwrap(Convert.FromBase64String(text)));
}
