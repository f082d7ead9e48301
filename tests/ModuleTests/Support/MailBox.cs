using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using MimeKit;
using SmtpServer;
using SmtpServer.Protocol;
using SmtpServer.Storage;
using Xunit;

namespace LlmPlatform.ModuleTests.Support;

/// <summary>A mail server that keeps what it gets.</summary>
internal sealed class MailBox : MessageStore, IAsyncDisposable
{
    private readonly ConcurrentQueue<MimeMessage> mails = new();
    private readonly SmtpServer.SmtpServer server;
    private readonly Task running;

    public MailBox()
    {
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            Port = ((IPEndPoint)probe.LocalEndpoint).Port;
        }

        var services = new SmtpServer.ComponentModel.ServiceProvider();
        services.Add(this);
        var options = new SmtpServerOptionsBuilder().ServerName("localhost").Endpoint(e => e.Endpoint(new IPEndPoint(IPAddress.Loopback, Port))).Build();
        server = new SmtpServer.SmtpServer(options, services);
        running = server.StartAsync(CancellationToken.None);
    }

    public int Port { get; }

    /// <summary>Mails that it is to turn away, as a server does that is busy.</summary>
    public int Refusals { get; set; }

    public string[] Settings => ["--Smtp:Host=127.0.0.1", $"--Smtp:Port={Port}", "--Smtp:Tls=none", "--Smtp:From=LlmPlatform <platform@example.com>"];

    /// <summary>Waits for a mail to an address whose subject has these words.</summary>
    public async Task<MimeMessage> ReceiveAsync(string to, string subject)
    {
        MimeMessage? Find() => mails.FirstOrDefault(mail => mail.To.Mailboxes.Single().Address == to && mail.Subject!.Contains(subject, StringComparison.Ordinal));
        return (await Eventually.Async(() => Task.FromResult(Find()), mail => mail is not null))!;
    }

    /// <summary>The token of the link in a mail.</summary>
    public static string TokenOf(MimeMessage mail) => Link.TokenOf(mail.TextBody!.Split('\n').Single(line => line.Contains("://", StringComparison.Ordinal)));

    public string[] SubjectsOf(string to) => [.. mails.Where(mail => mail.To.Mailboxes.Single().Address == to).Select(mail => mail.Subject!)];

    public override async Task<SmtpResponse> SaveAsync(ISessionContext context, IMessageTransaction transaction, ReadOnlySequence<byte> buffer, CancellationToken cancellationToken)
    {
        if (Refusals > 0)
        {
            Refusals--;
            return new SmtpResponse(SmtpReplyCode.ServiceUnavailable, "busy");
        }

        using var content = new MemoryStream(buffer.ToArray());
        mails.Enqueue(await MimeMessage.LoadAsync(content, cancellationToken));
        return SmtpResponse.Ok;
    }

    public async ValueTask DisposeAsync()
    {
        server.Shutdown();
        await running.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }
}

internal static class Link
{
    public static string TokenOf(string link) => link.Trim()[(link.IndexOf('=', StringComparison.Ordinal) + 1)..];
}
