using CsCheck;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Chat.Replies;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat;

public sealed class PromptTests
{
    [Fact]
    public void A_file_cannot_close_its_fence() => Gen.String[Gen.Int[0, 3].Select(i => "~\na "[i]), 0, 40].Sample(content =>
    {
        var written = Prompt.Written(MessageBody.Of("question") with { Attachments = [new Attachment("f", content)] });
        var fence = written.Split('\n')[1];
        var end = written.LastIndexOf($"\n{fence}\n\nquestion", StringComparison.Ordinal);
        return fence.Length >= 4 && fence.All(c => c == '~') && end > 0 && !content.Contains(fence, StringComparison.Ordinal)
            && written[(written.IndexOf(fence, StringComparison.Ordinal) + fence.Length + 1)..(end + 1)].TrimEnd('\n') == content.TrimEnd('\n');
    });

    [Fact]
    public void A_reply_with_calls_becomes_the_messages_it_consisted_of()
    {
        MessagePart[] parts =
        [
            new(PartKind.Context, ""), new(PartKind.Reasoning, "hm"), new(PartKind.Text, "I look. "),
            new(PartKind.ToolCall, "{}") { CallId = "1", Name = "a" }, new(PartKind.ToolResult, "one") { CallId = "1", Name = "a" },
            new(PartKind.ToolCall, "{}") { CallId = "2", Name = "b" }, new(PartKind.ToolResult, "two") { CallId = "2", Name = "b" },
            new(PartKind.Context, ""), new(PartKind.Text, "It is two."),
        ];

        var spoken = Prompt.Spoken(new MessageBody(parts)).ToList();

        Assert.Equal(["assistant", "tool", "tool", "assistant"], spoken.Select(m => m.Role));
        Assert.Equal(["1", "2"], spoken[0].ToolCalls.Select(c => c.Id));
        Assert.Equal(["I look. ", "one", "two", "It is two."], spoken.Select(m => m.Content));
    }

    [Fact]
    public void A_call_without_a_result_and_a_reply_that_says_nothing_are_not_shown()
    {
        Assert.Empty(Prompt.Spoken(new MessageBody([new(PartKind.Context, "")])));
        var spoken = Assert.Single(Prompt.Spoken(new MessageBody([new(PartKind.Text, "I look."), new(PartKind.ToolCall, "{}") { CallId = "1", Name = "a" }])));
        Assert.Empty(spoken.ToolCalls);
    }

    [Fact]
    public void What_a_user_said_twice_because_the_reply_failed_is_one_message()
    {
        var prompt = Prompt.Of("be brief", [("user", MessageBody.Of("one")), ("assistant", new MessageBody([])), ("user", MessageBody.Of("two"))]);
        Assert.Equal([("system", "be brief"), ("user", "one\n\ntwo")], prompt.Select(m => (m.Role, m.Content)));
    }
}

public sealed class ReplyLogTests
{
    private static readonly Gen<MessagePart> Part = Gen.Select(Gen.Enum<PartKind>(), Gen.String[Gen.Char.AlphaNumeric, 1, 6], (kind, text) => new MessagePart(kind, text));

    [Fact]
    public void A_bounded_read_cuts_no_character_in_two_and_misses_none() =>
        Gen.Select(Gen.Int[0, 2].List[1, 30], Gen.Int[2, 7]).Sample((letters, most) =>
        {
            var text = string.Concat(letters.Select(i => i switch { 0 => "a", 1 => "😀", _ => "é" }));
            var log = new ReplyLog([new MessagePart(PartKind.Text, text)]);
            var read = new List<string>();
            long place = 0;
            while (log.Read(place, log.Length, most) is { Parts.Count: > 0 } next)
            {
                read.Add(next.Parts[0].Text);
                place = next.End;
            }

            return place == log.Length && string.Concat(read) == text && read.All(piece => !char.IsHighSurrogate(piece[^1]) && !char.IsLowSurrogate(piece[0]));
        });

    [Fact]
    public void However_a_log_is_read_in_pieces_the_pieces_together_are_the_log() =>
        Gen.Select(Part.List[0, 12], Gen.Int[1, 9]).Sample((parts, step) =>
        {
            var log = new ReplyLog(parts);
            var copy = new ReplyLog([]);
            for (long place = 0; place < log.Length; place += step)
            {
                foreach (var part in log.Read(place, Math.Min(log.Length, place + step)))
                {
                    copy.Add(part);
                }
            }

            return copy.Length == log.Length && log.Length == parts.Sum(p => p.Length) && copy.ToBody().Parts.SequenceEqual(log.ToBody().Parts);
        });
}
