extern alias engine;

using CsCheck;
using engine::LlmPlatform.Inference.Engine.Replies;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine.Replies;

/// <summary>What a reply must not do to its reader, whoever wrote it, and how much of it waits.</summary>
public sealed class HostileReplyTests
{
    private const int Endless = 1_100_000;

    [Theory]
    [InlineData("hermes", "<tool_call>{\"")]
    [InlineData("hermes", "<tool_call>{\"other\": \"")]
    [InlineData("hermes", "<tool_call>{\"arguments\": {\"code\": \"")]
    [InlineData("hermes", "<tool_call>{\"name\": \"run\", \"arguments\": {\"code\": \"")]
    [InlineData("llama", "{\"parameters\": {\"code\": \"")]
    [InlineData("qwen-coder", "<function=")]
    [InlineData("qwen-coder", "<function=run><parameter=")]
    [InlineData("qwen-coder", "<function=run><parameter=code>")]
    [InlineData("qwen-coder", "<function=run><parameter=other>")]
    [InlineData("glm", "<tool_call>")]
    [InlineData("mistral", "[TOOL_CALLS]")]
    [InlineData("mistral", "[TOOL_CALLS]run[CALL_ID]")]
    [InlineData("deepseek-r1", "<｜tool▁call▁begin｜>")]
    [InlineData("kimi", "<|tool_call_begin|>")]
    [InlineData("harmony", "<|channel|>")]
    public void A_limit_never_cuts_a_character(string format, string beginning)
    {
        foreach (var odd in new[] { "", "x" })
        {
            foreach (var part in Parts(Parser(format), beginning + odd + string.Concat(Enumerable.Repeat("😀", Endless / 2))))
            {
                var text = Text(part);
                Assert.False(text.Length > 0 && (char.IsLowSurrogate(text[0]) || char.IsHighSurrogate(text[^1])), part.GetType().Name);
            }
        }
    }

    [Theory]
    [InlineData("{\"properties\": {\"\\ud800\": {\"type\": \"string\"}}}")]
    [InlineData("{\"properties\": {\"a\": {\"type\": \"\\udc00\"}}}")]
    [InlineData("{\"properties\": {\"\ud800\": {}}}")]
    public void Half_a_character_in_a_schema_breaks_no_call(string schema)
    {
        var parser = new ReplyParser(Format("qwen-coder"), [new("f", schema)], false, true, () => "id");
        var parts = Parts(parser, "<function=f><parameter=a>5</parameter></function>");
        Assert.Equal("{\"a\": 5}", string.Concat(parts.OfType<ReplyPart.CallArguments>().Select(part => part.Fragment)));
    }

    [Fact]
    public void A_value_that_is_too_long_is_given_back_whole()
    {
        var value = new string('1', Endless);
        var parts = Parts(Parser("qwen-coder"), "<function=run><parameter=other>" + value);
        Assert.Equal(value, string.Concat(parts.OfType<ReplyPart.Content>().Select(part => part.Text)));
        Assert.DoesNotContain(parts, part => part is ReplyPart.CallEnded);
    }

    [Theory]
    [InlineData("hermes", "<tool_call>{")]
    [InlineData("mistral-array", "[TOOL_CALLS][{")]
    public void White_space_between_members_is_bounded_altogether(string format, string beginning)
    {
        var parser = Parser(format);
        var parts = new List<ReplyPart>();
        parser.Push(beginning, false, parts);
        for (var member = 0; member < 40; member++)
        {
            parser.Push("\"other\": 1," + new string(' ', 60_000), false, parts);
            Assert.InRange(parser.Held, 0, 1_300_000);
        }

        Assert.Contains("too long", parser.Diagnostic, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hermes", "Hello", 0)]
    [InlineData("hermes", "Hello \n", 2)]
    [InlineData("hermes", "Hello <tool_c", 8)]
    [InlineData("hermes", "Hello <toolbox", 0)]
    [InlineData("hermes", "<think>so</thi", 5)]
    [InlineData("hermes", "<think>so \n", 2)]
    [InlineData("hermes", "<tool_call>{\"name\": \"r", 22)]
    [InlineData("hermes", "<tool_call>{\"name\": \"run\", \"arguments\": {\"code\": \"x", 0)]
    [InlineData("llama", " {\"na", 5)]
    [InlineData("harmony", "<|channel|>final", 16)]
    public void It_says_how_much_waits(string format, string reply, int held)
    {
        var parser = Parser(format);
        var parts = new List<ReplyPart>();
        parser.Push(reply, false, parts);
        Assert.Equal(held, parser.Held);
        parser.Finish(parts);
        Assert.Equal(0, parser.Held);
    }

    [Fact]
    public void No_more_waits_than_has_come_and_nothing_in_the_end()
    {
        string[] words =
        [
            "<think>", "</think>", "<tool_call>", "</tool_call>", "{\"name\": \"run\", \"arguments\": ", "{\"code\": \"😀\"}", "}", "{", "\"", " ", "\n",
            "[TOOL_CALLS]", "run", "[ARGS]", "<|channel|>", "commentary to=functions.run", "<|message|>", "<|call|>",
            "<function=run>", "<parameter=code>", "</parameter>", "</function>", "<arg_key>", "\ud83d", "\ude00",
        ];
        Gen.Select(Gen.Int[0, ReplyFormats.All.Count - 1], Gen.Int[0, words.Length - 1].Array[0, 30], Gen.Bool).Sample((format, picks, thinks) =>
        {
            var parser = new ReplyParser(ReplyFormats.All[format], Transcript.Tools, thinks, true, () => "id");
            var (parts, come) = (new List<ReplyPart>(), 0);
            foreach (var pick in picks)
            {
                parser.Push(words[pick], false, parts);
                come += words[pick].Length;
                Assert.InRange(parser.Held, 0, come);
            }

            parser.Finish(parts);
            Assert.Equal(0, parser.Held);
        });
    }

    private static List<ReplyPart> Parts(ReplyParser parser, string reply)
    {
        var parts = new List<ReplyPart>();
        parser.Push(reply, false, parts);
        parser.Finish(parts);
        return parts;
    }

    private static string Text(ReplyPart part) => part switch
    {
        ReplyPart.Content content => content.Text,
        ReplyPart.Reasoning reasoning => reasoning.Text,
        ReplyPart.CallArguments arguments => arguments.Fragment,
        _ => "",
    };

    private static ReplyFormat Format(string name) => ReplyFormats.All.Single(format => format.Name == name);

    private static ReplyParser Parser(string format) => new(Format(format), Transcript.Tools, startsInReasoning: false, parseTools: true, () => "id");
}
