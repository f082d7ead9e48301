using System.Globalization;
using System.Text;
using LlmPlatform.Chat.Conversations;

namespace LlmPlatform.Chat.Transfer;

/// <summary>
/// The branch of a conversation that is shown, for people to read. What was said stands in fences that are longer than any in it, so that no text can
/// look like the next message, and nothing of it is changed.
/// </summary>
internal static class ConversationMarkdown
{
    private const char Tick = '`';

    public static string Of(ConversationFile file)
    {
        var text = new StringBuilder();
        text.Append("# ").Append(Line(file.Title ?? "Conversation")).Append("\n\n");
        text.Append("- Model: ").Append(Line(file.Model)).Append('\n');
        text.Append("- Started: ").Append(Time(file.StartedAt)).Append('\n');
        if (file.SystemPrompt is { } prompt)
        {
            text.Append("\n## System prompt\n\n").Append(Fenced(prompt));
        }

        foreach (var message in Branch(file))
        {
            text.Append("\n## ").Append(message.Role == MessageRoles.User ? "User" : "Assistant").Append(", ").Append(Time(message.At));
            text.Append(message is { Role: MessageRoles.Assistant, Model: { } model } ? $", {Line(model)}" : "").Append("\n\n");
            text.Append(Fenced(string.Concat(message.Parts.Where(part => part.Kind == PartKind.Text).Select(part => part.Text))));
            foreach (var attached in message.Attachments)
            {
                text.Append("\n### File ").Append(Line(attached.Name)).Append("\n\n").Append(Fenced(attached.Content));
            }
        }

        return text.ToString();
    }

    private static Stack<MessageFile> Branch(ConversationFile file)
    {
        var messages = file.Messages.ToDictionary(message => message.Id);
        var branch = new Stack<MessageFile>();
        for (var at = file.ActiveLeaf; at is not null && messages.Remove(at, out var message); at = message.ParentId)
        {
            branch.Push(message);
        }

        return branch;
    }

    private static string Fenced(string text)
    {
        var (longest, run) = (2, 0);
        foreach (var c in text)
        {
            run = c == Tick ? run + 1 : 0;
            longest = Math.Max(longest, run);
        }

        var fence = new string(Tick, longest + 1);
        return $"{fence}text\n{text}{(text.EndsWith('\n') ? "" : "\n")}{fence}\n";
    }

    /// <summary>On one line, with nothing in it that Markdown or HTML could take for markup.</summary>
    private static string Line(string text) =>
        string.Concat(text.Select(c => char.IsControl(c) || c is '\u2028' or '\u2029' ? " " : char.IsAscii(c) && (char.IsPunctuation(c) || char.IsSymbol(c)) ? $"\\{c}" : c.ToString()));

    private static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
}
