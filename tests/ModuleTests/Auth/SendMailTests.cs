using LlmPlatform.Auth.Mail;
using MimeKit;
using Xunit;

namespace LlmPlatform.ModuleTests.Auth;

[Collection(MailingPlatformTests.Name)]
public sealed class SendMailTests(MailingPlatform mailing)
{
    [Fact]
    public async Task A_mail_that_the_server_turns_away_is_sent_again()
    {
        mailing.MailBox.Refusals = 1;
        var invitation = await AcceptInvitationTests.InviteAsync(mailing.Platform.Administrator, new { email = "patient@example.com" });
        Assert.True(invitation.GetProperty("mailed").GetBoolean());
        var mail = await mailing.MailBox.ReceiveAsync("patient@example.com", "invited");
        Assert.Equal(0, mailing.MailBox.Refusals);
        Assert.Equal("platform@example.com", ((MailboxAddress)mail.From[0]).Address);
        Assert.Contains(invitation.GetProperty("link").GetString()!, mail.TextBody!, StringComparison.Ordinal);
        Assert.Contains($"href=\"{invitation.GetProperty("link").GetString()}\"", mail.HtmlBody!, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_letter_has_words()
    {
        foreach (var letter in Enum.GetValues<Letter>())
        {
            var text = Letters.Compose(letter, "https://example.com/#a=<b>");
            Assert.NotEmpty(text.Subject);
            Assert.Contains("https://example.com/#a=<b>", text.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("<b>", text.Html, StringComparison.Ordinal);
        }
    }
}
