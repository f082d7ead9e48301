using System.Text;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Chat.Replies;

/// <summary>What a model is shown of a conversation.</summary>
internal static class Prompt
{
    private const int ShortestFence = 4;

    public static IReadOnlyList<ChatMessage> Of(string? systemPrompt, IEnumerable<(string Role, MessageBody Body)> branch)
    {
        var prompt = new List<ChatMessage>();
        if (!string.IsNullOrWhiteSpace(systemPrompt))
        {
            prompt.Add(new ChatMessage("system", systemPrompt));
        }

        foreach (var message in branch.SelectMany(m => m.Role == MessageRoles.User ? [new ChatMessage(MessageRoles.User, Written(m.Body))] : Spoken(m.Body)))
        {
            // Between two messages of a user a reply failed; templates that want turns to alternate would refuse the whole conversation for ever.
            if (prompt is [.., { Role: MessageRoles.User } last] && message.Role == MessageRoles.User)
            {
                prompt[^1] = last with { Content = $"{last.Content}\n\n{message.Content}" };
            }
            else
            {
                prompt.Add(message);
            }
        }

        return prompt;
    }

    /// <summary>A user's text, with the files that came with it in front, each between fences that it cannot close.</summary>
    public static string Written(MessageBody body)
    {
        var text = new StringBuilder();
        foreach (var file in body.Attachments)
        {
            var fence = new string('~', Math.Max(ShortestFence, LongestRun(file.Content, '~') + 1));
            text.Append("File ").Append(file.Name).Append(":\n").Append(fence).Append('\n').Append(file.Content);
            text.Append(file.Content.EndsWith('\n') ? "" : "\n").Append(fence).Append("\n\n");
        }

        return text.Append(body.Text).ToString();
    }

    /// <summary>A reply as the messages it consisted of: each round of calls is one with its results behind it. One that says nothing is none.</summary>
    public static IEnumerable<ChatMessage> Spoken(MessageBody body)
    {
        var text = new StringBuilder();
        var calls = new List<ToolCall>();
        var results = new List<ChatMessage>();
        foreach (var part in body.Parts)
        {
            if (results.Count > 0 && part.Kind is (PartKind.Text or PartKind.Context)) // the next round begins
            {
                foreach (var message in Round())
                {
                    yield return message;
                }
            }

            switch (part.Kind)
            {
                case PartKind.Text:
                    text.Append(part.Text);
                    break;
                case PartKind.ToolCall:
                    calls.Add(new ToolCall(part.CallId!, part.Name!, part.Text));
                    break;
                case PartKind.ToolResult:
                    results.Add(new ChatMessage("tool", part.Text) { ToolCallId = part.CallId, Name = part.Name });
                    break;
            }
        }

        foreach (var message in Round())
        {
            yield return message;
        }

        List<ChatMessage> Round()
        {
            // A call without a result was never made: the reply broke off before.
            var answered = calls.Where(call => results.Any(result => result.ToolCallId == call.Id)).ToList();
            List<ChatMessage> round = text.Length == 0 && answered.Count == 0 ? [] : [new ChatMessage(MessageRoles.Assistant, text.ToString()) { ToolCalls = answered }, .. results];
            text.Clear();
            calls.Clear();
            results.Clear();
            return round;
        }
    }

    private static int LongestRun(string text, char of)
    {
        var (longest, run) = (0, 0);
        foreach (var c in text)
        {
            run = c == of ? run + 1 : 0;
            longest = Math.Max(longest, run);
        }

        return longest;
    }
}
