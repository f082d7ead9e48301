extern alias engine;

using System.Diagnostics;
using System.Text.Json;
using engine::LlmPlatform.Inference.Engine.Replies;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine.Replies;

public sealed class ReplyParserTests
{
    [Theory]
    [InlineData("<tool_call>{\"name\": \"rm\", \"arguments\": {\"a\": 1}}</tool_call>", "rm is not in the request")]
    [InlineData("<tool_call>\n{\"name\": 5, \"arguments\": {}}\n</tool_call>", "no name")]
    [InlineData("<tool_call>{\"arguments\": {}}</tool_call>", "no name")]
    [InlineData("<tool_call>{\"arguments\": {]}, \"name\": \"run\"}</tool_call>", "no JSON")]
    [InlineData("<tool_call>{\"name\": \"run\", \"arguments\": [1]}</tool_call>", "no JSON object")]
    [InlineData("<tool_call>{\"name\": \"run\", \"arguments\": \"x\"}</tool_call>", "no JSON object")]
    [InlineData("<tool_call>{\"name\": \"run\", \"arguments\": \"\\ud83d\"}</tool_call>", "no JSON object")]
    [InlineData("<tool_call>{\"name\": \"\\ud83d\", \"arguments\": {}}</tool_call>", "no name")]
    [InlineData("<tool_call>{name: \"run\"}</tool_call>", "expected")]
    [InlineData("<tool_call> run it </tool_call> please", "expected")]
    [InlineData("<tool_call>{\"name\": \"run\", \"argum", "ended inside")]
    [InlineData("<tool_call>{\"name\": \"run\", \"arguments\":", "ended inside")]
    [InlineData("<tool_call>", "ended inside")]
    public void What_is_no_call_is_content_exactly_as_written(string reply, string diagnostic)
    {
        var transcript = Transcript.Of(ReplyFormats.Hermes, "Look: \n" + reply);
        Assert.Equal(("Look: \n" + reply, "", ""), (transcript.Content, transcript.Reasoning, transcript.Calls));
        Assert.Contains(diagnostic, transcript.Diagnostic, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("qwen-coder", "<tool_call>\n<function=rm>\n<parameter=a>\n1\n</parameter>\n</function>\n</tool_call>")]
    [InlineData("glm", "<tool_call>rm<arg_key>a</arg_key><arg_value>1</arg_value></tool_call>")]
    [InlineData("minimax", "<minimax:tool_call>\n<invoke name=\"rm\">\n</invoke>\n</minimax:tool_call>")]
    [InlineData("deepseek-v3.2", "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"rm\">\n</｜DSML｜invoke>\n</｜DSML｜function_calls>")]
    [InlineData("llama", "{\"name\": \"rm\", \"parameters\": {}}")]
    [InlineData("llama", "{\"city\": \"Bern\", \"name\": \"run\"}")]
    [InlineData("llama", "<|python_tag|>print(1)")]
    [InlineData("mistral", "[TOOL_CALLS]rm[ARGS]{}")]
    [InlineData("mistral", "[TOOL_CALLS][{\"name\": \"rm\", \"arguments\": {}}]")]
    [InlineData("mistral", "[TOOL_CALLS]run[ARGS]5")]
    [InlineData("deepseek-r1", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>rm\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>")]
    [InlineData("deepseek-v3", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>rm<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>")]
    [InlineData("kimi", "<|tool_calls_section_begin|><|tool_call_begin|>functions.rm:0<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>")]
    [InlineData("harmony", "<|channel|>commentary to=functions.rm <|constrain|>json<|message|>{\"a\": 1}<|call|>")]
    public void In_every_family_an_unknown_function_is_content(string format, string reply)
    {
        var transcript = Transcript.Of(Format(format), reply);
        Assert.Equal((reply, ""), (transcript.Content, transcript.Calls));
        Assert.NotNull(transcript.Diagnostic);
    }

    [Fact]
    public void A_good_call_beside_a_bad_one_is_a_call()
    {
        const string Good = "<tool_call>{\"name\": \"stop\", \"arguments\": {}}</tool_call>";
        const string Bad = "<tool_call>{\"name\": \"rm\", \"arguments\": {}}</tool_call>";
        var transcript = Transcript.Of(ReplyFormats.Hermes, $"{Good}{Bad}{Good}");
        Assert.Equal((Bad, "0 id0 stop {}\n1 id1 stop {}"), (transcript.Content, transcript.Calls));
    }

    [Theory]
    [InlineData("{\"code\": \"a", "{\"code\": \"a...", "")]
    [InlineData("{\"code\": nil}}</tool_call>", "{\"code\": n...", "il}}</tool_call>")]
    [InlineData("{\"code\": \"\\x\"}}</tool_call>", "{\"code\": \"\\...", "x\"}}</tool_call>")]
    [InlineData("{\"code\": 01}", "{\"code\": 0...", "1}")]
    public void A_call_that_breaks_after_its_start_never_ends(string arguments, string written, string content)
    {
        var transcript = Transcript.Of(ReplyFormats.Hermes, "<tool_call>{\"name\": \"run\", \"arguments\": " + arguments);
        Assert.Equal((content, $"0 id0 run {written}"), (transcript.Content, transcript.Calls));
        Assert.NotNull(transcript.Diagnostic);
    }

    [Theory]
    [InlineData("<tool_call>\n<function=run>\n<parameter=code>\nx", "0 id0 run {\"code\": \"x...")]
    [InlineData("<tool_call>\n<function=run>\n<parameter=code>\nx\n</parameter>\n</function", "0 id0 run {\"code\": \"x\"...")]
    public void Tags_that_are_cut_off_leave_the_call_open(string reply, string calls) =>
        Assert.Equal(calls, Transcript.Of(ReplyFormats.QwenCoder, reply).Calls);

    [Theory]
    [InlineData("hermes", "<tool_call>{\"name\": \"stop\", \"arguments\": {}}")]
    [InlineData("hermes", "<tool_call>{\"name\": \"stop\", \"arguments\": {}")]
    [InlineData("hermes", "<tool_call>{\"name\": \"stop\", \"arguments\": {}</tool_call>")]
    [InlineData("deepseek-v3", "<｜tool▁call▁begin｜>stop<｜tool▁sep｜>{}")]
    [InlineData("kimi", "<|tool_calls_section_begin|><|tool_call_begin|>functions.stop:0<|tool_call_argument_begin|>{}")]
    public void A_call_without_its_last_marker_is_whole(string format, string reply)
    {
        var transcript = Transcript.Of(Format(format), reply);
        Assert.EndsWith(" stop {}", transcript.Calls, StringComparison.Ordinal);
        Assert.Equal(("", null), (transcript.Content, transcript.Diagnostic));
    }

    [Fact]
    public void Without_tools_in_the_request_their_markers_are_content()
    {
        const string Reply = "<tool_call>{\"name\": \"stop\", \"arguments\": {}}</tool_call>\n";
        Assert.Equal(new Transcript(Reply, "x", "", null), Transcript.Of(ReplyFormats.Hermes, "<think>x</think>" + Reply, parseTools: false));
        Assert.Equal("{}", Transcript.Of(ReplyFormats.Harmony, "<|channel|>commentary to=functions.stop<|message|>{}<|call|>", parseTools: false).Content);
    }

    [Theory]
    [InlineData("so</think>\n\nYes", "Yes", "so")]
    [InlineData("<think>\nso</think>Yes", "Yes", "so")]
    [InlineData("so it goes", "", "so it goes")]
    [InlineData("\n</think>\n", "", "")]
    public void A_prompt_that_ends_in_thinking_is_continued(string reply, string content, string reasoning) =>
        Assert.Equal(new Transcript(content, reasoning, "", null), Transcript.Of(ReplyFormats.Hermes, reply, startsInReasoning: true));

    [Fact]
    public void A_call_that_is_only_thought_of_is_reasoning()
    {
        const string Thought = "I may write <tool_call>{\"name\": \"stop\"}</tool_call>";
        Assert.Equal(new Transcript("No.", Thought, "", null), Transcript.Of(ReplyFormats.Hermes, $"<think>{Thought}</think>No."));
    }

    [Fact]
    public void Thinking_that_nobody_opened_only_loses_its_end() =>
        Assert.Equal("so\n\nYes", Transcript.Of(ReplyFormats.Hermes, "so</think>\n\nYes").Content);

    [Fact]
    public void It_says_while_the_model_thinks()
    {
        var parser = Parser(ReplyFormats.Hermes);
        Assert.False(parser.InReasoning);
        parser.Push("<think>", true, []);
        Assert.True(parser.InReasoning);
        parser.Push("x</think>y", false, []);
        Assert.False(parser.InReasoning);
    }

    [Fact]
    public void Special_tokens_of_no_meaning_are_dropped()
    {
        string[] pieces = ["\0<|im_start|>", "\0<think>", "a", "\0<|fim|>", "b", "\0</think>", "c <|im", "_end|>", "\0<|im_end|>"];
        Assert.Equal(new Transcript("c <|im_end|>", "ab", "", null), Transcript.Of(ReplyFormats.Hermes, pieces));
    }

    [Fact]
    public void A_marker_may_be_one_special_token_or_hold_one()
    {
        string[] pieces =
        [
            "<", "\0｜DSML｜", "function_calls><", "\0｜DSML｜", "invoke name=\"stop\"></", "\0｜DSML｜", "invoke></", "\0｜DSML｜", "function_calls>",
            "\0<｜end▁of▁sentence｜>",
        ];
        Assert.Equal(new Transcript("", "", "0 id0 stop {}", null), Transcript.Of(ReplyFormats.DeepSeekV32, pieces));
    }

    [Fact]
    public void Only_what_may_still_become_a_marker_waits()
    {
        var parser = Parser(ReplyFormats.Hermes);
        var parts = new List<ReplyPart>();
        parser.Push("a <tool", false, parts);
        Assert.Equal([new ReplyPart.Content("a")], parts);
        parser.Push("box", false, parts);
        Assert.Equal([new ReplyPart.Content("a"), new ReplyPart.Content(" <toolbox")], parts);
    }

    [Fact]
    public void Arguments_come_as_they_are_written()
    {
        var parser = Parser(ReplyFormats.Hermes);
        var parts = new List<ReplyPart>();
        parser.Push("<tool_call>{\"name\": \"run\", \"arguments\": {\"code\"", false, parts);
        parser.Push(": \"x", false, parts);
        parser.Push("\"}}", false, parts);
        Assert.Equal(
            [
                new ReplyPart.CallStarted(0, "id", "run"), new ReplyPart.CallArguments(0, "{\"code\""), new ReplyPart.CallArguments(0, ": \"x"),
                new ReplyPart.CallArguments(0, "\"}"), new ReplyPart.CallEnded(0),
            ],
            parts);
    }

    [Fact]
    public void An_id_that_the_model_uses_twice_counts_once() =>
        Assert.Equal("0 x stop {}\n1 id0 stop {}", Transcript.Of(ReplyFormats.Mistral, "[TOOL_CALLS]stop[CALL_ID]x[ARGS]{}[TOOL_CALLS]stop[CALL_ID]x[ARGS]{}").Calls);

    [Theory]
    [InlineData("<tool_call>", ' ', 70_000)]
    [InlineData("<tool_call>{\"", 'n', 300)]
    [InlineData("<tool_call>{\"arguments\": {\"a\": \"", 'x', 1_100_000)]
    [InlineData("<tool_call>{\"other\": \"", 'x', 70_000)]
    public void What_is_held_back_is_bounded(string beginning, char more, int count)
    {
        var parser = Parser(ReplyFormats.Hermes);
        var parts = new List<ReplyPart>();
        var reply = beginning + new string(more, count) + ".";
        parser.Push(reply, false, parts);
        Assert.Equal(reply, string.Concat(parts.Cast<ReplyPart.Content>().Select(part => part.Text)));
    }

    [Theory]
    [InlineData("hermes", "<tool_call>{\"name\": \"run\", \"arguments\": {\"code\": \"")]
    [InlineData("qwen-coder", "<function=run><parameter=code>")]
    [InlineData("qwen-coder", "<function=run><parameter=other>")]
    public void Arguments_without_end_become_content(string format, string beginning)
    {
        var transcript = Transcript.Of(Format(format), beginning + new string('x', 1_100_000));
        Assert.EndsWith("...", transcript.Calls, StringComparison.Ordinal);
        Assert.True(transcript.Calls.Length <= 1_049_000);
        Assert.InRange(transcript.Content.Length, 50_000, 1_100_000);
        Assert.Contains("too long", transcript.Diagnostic, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<tool_call>{\"name\": \"run\", \"arguments\": {\"code\": \"", 1_100_000)]
    [InlineData("<tool_call>{\"arguments\": {\"code\": \"", 1_100_000)]
    [InlineData("<tool_call>{\"x\": \"", 70_000)]
    [InlineData("<tool_call>{\"x", 300)]
    [InlineData("<function=run><parameter=code>", 1_100_000)]
    public void A_limit_cuts_no_character(string beginning, int count)
    {
        foreach (var reply in new[] { beginning, beginning + "x" })
        {
            var parser = Parser(ReplyFormats.QwenCoder);
            var parts = new List<ReplyPart>();
            parser.Push(reply + string.Concat(Enumerable.Repeat("😀", count / 2)), false, parts);
            var texts = parts.Select(part => part is ReplyPart.Content content ? content.Text : part is ReplyPart.CallArguments arguments ? arguments.Fragment : "");
            Assert.DoesNotContain(texts, text => text.EnumerateRunes().Any(rune => rune.Value == 0xfffd));
            Assert.NotNull(parser.Diagnostic);
        }
    }

    [Fact]
    public void Half_a_character_becomes_a_replacement()
    {
        Assert.Equal("a\ufffdb😀", Transcript.Of(ReplyFormats.Hermes, ["a\ud83d", "b\ud83d", "\ude00\ud83d"]).Content);
        Assert.NotNull(Transcript.Of(ReplyFormats.Hermes, "<tool_call>{\"arguments\": \"\ud83d{}\"}").Diagnostic);
    }

    [Fact]
    public void Brackets_too_deep_break_the_call()
    {
        var transcript = Transcript.Of(ReplyFormats.Hermes, "<tool_call>{\"name\": \"run\", \"arguments\": {\"a\": " + new string('[', 100_000));
        Assert.EndsWith("...", transcript.Calls, StringComparison.Ordinal);
        Assert.Contains("no JSON", transcript.Diagnostic, StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_reply_of_half_markers_is_read_in_linear_time()
    {
        var parser = Parser(ReplyFormats.Kimi);
        var parts = new List<ReplyPart>();
        var clock = Stopwatch.StartNew();
        for (var piece = 0; piece < 200_000; piece++)
        {
            parser.Push(piece % 2 == 0 ? "<|tool_calls_" : "<", false, parts);
        }

        parser.Finish(parts);
        Assert.Equal(1_400_000, parts.Cast<ReplyPart.Content>().Sum(part => part.Text.Length));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"{clock.Elapsed} for 1.4 million characters.");
    }

    [Theory]
    [InlineData("{\"type\": 5}")]
    [InlineData("[")]
    [InlineData("{\"properties\": {\"code\": true, \"b\": {\"anyOf\": 3}, \"c\": {\"enum\": [null, {}, 1.5]}}}")]
    public void A_schema_of_no_sense_lets_every_value_be_what_it_looks_like(string schema)
    {
        var parser = new ReplyParser(ReplyFormats.QwenCoder, [new("f", schema)], false, true, () => "id");
        var parts = new List<ReplyPart>();
        parser.Push("<function=f><parameter=code>5</parameter><parameter=b>\"x\"</parameter><parameter=c>1.0</parameter></function>", false, parts);
        var json = string.Concat(parts.OfType<ReplyPart.CallArguments>().Select(part => part.Fragment));
        Assert.Equal("{\"code\": 5, \"b\": \"\\\"x\\\"\", \"c\": 1.0}", json);
        Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(json).RootElement.ValueKind);
    }

    private static ReplyFormat Format(string name) => ReplyFormats.All.Single(format => format.Name == name);

    private static ReplyParser Parser(ReplyFormat format) => new(format, Transcript.Tools, startsInReasoning: false, parseTools: true, () => "id");
}
