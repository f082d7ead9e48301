extern alias engine;

using CsCheck;
using engine::LlmPlatform.Inference.Engine.Replies;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine.Replies;

/// <summary>What each family writes, and that it does not matter how it is cut into pieces.</summary>
public sealed class ReplyFamilyTests
{
    private const string Hard = """{"city": "Zürich \"}]{[</tool_call>\" \u00e9 🌧️", "near": {"a": [1, {"b": null}], "t": "{"}}""";

    public static TheoryData<string, string, string, string, string> Replies => new()
    {
        // format, reply, content, reasoning, calls
        { "hermes", "Hello 👋 a < b <tool <think? <|im_end|\n", "Hello 👋 a < b <tool <think? <|im_end|\n", "", "" },
        { "hermes", "<think>\nLet me 🤔 see </thin\n</think>\n\nYes.", "Yes.", "Let me 🤔 see </thin", "" },
        { "hermes", "<think></think>\n\nYes.", "Yes.", "", "" },
        {
            "hermes", $"<think>Rain?</think>\n\nOne moment.\n<tool_call>\n{{\"name\": \"get_weather\", \"arguments\": {Hard}}}\n</tool_call>\n",
            "One moment.", "Rain?", $"0 id0 get_weather {Hard}"
        },
        {
            "hermes",
            "<tool_call>\n{\"name\": \"stop\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n{\"arguments\": {\"code\": \"a\\nb\"}, \"name\": \"run\"}\n</tool_call>",
            "", "", "0 id0 stop {}\n1 id1 run {\"code\": \"a\\nb\"}"
        },
        { "hermes", "<tool_call>{\"name\": \"run\", \"arguments\": \"{\\\"code\\\": \\\"1\\\"}\"}</tool_call>", "", "", "0 id0 run {\"code\": \"1\"}" },
        { "hermes", "<tool_call>{\"name\": \"run\", \"arguments\": {\"code\": \"a\nb\"}}</tool_call>", "", "", "0 id0 run {\"code\": \"a\\nb\"}" },
        { "hermes", "<tool_call>{\"name\": \"stop\"}</tool_call> Done.", "Done.", "", "0 id0 stop {}" },
        { "hermes", "<tool_call>{\"name\": \"stop\", \"arguments\": null, \"x\": [1.5e3, true]}</tool_call>", "", "", "0 id0 stop {}" },
        {
            "qwen-coder",
            "<think>so</think>\nLook:\n<tool_call>\n<function=get_weather>\n<parameter=city>\nBern </param\"\\ 🌍\n</parameter>\n<parameter=days>\n3\n</parameter>\n"
            + "<parameter=wind>\nTrue\n</parameter>\n<parameter=near>\n{\"a\": \"<b>\"}\n</parameter>\n</function>\n</tool_call>",
            "Look:", "so", "0 id0 get_weather {\"city\": \"Bern </param\\\"\\\\ 🌍\", \"days\": 3, \"wind\": true, \"near\": {\"a\": \"<b>\"}}"
        },
        {
            "qwen-coder",
            "<tool_call>\n<function=run>\n<parameter=code>\n\nif a < b:\n\tprint()\n\n</parameter>\n</function>\n</tool_call>\n<function=stop>\n</function>\n",
            "", "", "0 id0 run {\"code\": \"\\nif a < b:\\n\\tprint()\\n\"}\n1 id1 stop {}"
        },
        { "qwen-coder", "<tool_call>\n{\"name\": \"run\", \"arguments\": {\"code\": \"<function=\"}}\n</tool_call>", "", "", "0 id0 run {\"code\": \"<function=\"}" },
        {
            "qwen-coder",
            "<tool_call><function=get_weather><parameter=days>many</parameter><parameter=near>null</parameter>"
            + "<parameter=note>7</parameter></function></tool_call>",
            "", "", "0 id0 get_weather {\"days\": \"many\", \"near\": null, \"note\": 7}"
        },
        {
            "glm",
            "<think>x</think>\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Bern\n5</arg_value>\n<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>"
            + "\n<tool_call>stop</tool_call>",
            "", "x", "0 id0 get_weather {\"city\": \"Bern\\n5\", \"days\": 2}\n1 id1 stop {}"
        },
        {
            "minimax",
            "<minimax:tool_call>\n<invoke name=\"run\">\n<parameter name=\"code\">a\"b</parameter>\n</invoke>\n<invoke name=\"stop\">\n</invoke>\n</minimax:tool_call>",
            "", "", "0 id0 run {\"code\": \"a\\\"b\"}\n1 id1 stop {}"
        },
        {
            "deepseek-v3.2",
            "On it.\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"get_weather\">\n<｜DSML｜parameter name=\"city\" string=\"true\">5</｜DSML｜parameter>\n"
            + "<｜DSML｜parameter name=\"days\" string=\"false\">5</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>",
            "On it.", "", "0 id0 get_weather {\"city\": \"5\", \"days\": 5}"
        },
        {
            "deepseek-v4", "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"stop\">\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>",
            "", "", "0 id0 stop {}"
        },
        {
            "seed", "<seed:think>a</seed:think>b\n<seed:tool_call>\n<function=run>\n<parameter=code>1</parameter>\n</function>\n</seed:tool_call>",
            "b", "a", "0 id0 run {\"code\": \"1\"}"
        },
        { "llama", $"\n{{\"name\": \"get_weather\", \"parameters\": {Hard}}}", "", "", $"0 id0 get_weather {Hard}" },
        { "llama", "{\"type\": \"function\", \"name\": \"stop\", \"parameters\": {}}; {\"name\": \"run\", \"parameters\": {}}", "", "", "0 id0 stop {}\n1 id1 run {}" },
        { "llama", "<|python_tag|>{\"name\": \"stop\", \"parameters\": {}}", "", "", "0 id0 stop {}" },
        { "llama", "The JSON {\"name\": \"stop\", \"parameters\": {}} calls it.", "The JSON {\"name\": \"stop\", \"parameters\": {}} calls it.", "", "" },
        {
            "mistral-array",
            $"[TOOL_CALLS][{{\"name\": \"get_weather\", \"arguments\": {Hard}, \"id\": \"abc\"}}, "
            + "{\"id\": \"abcdefghi\", \"name\": \"stop\", \"arguments\": {}}]",
            "", "", $"0 id0 get_weather {Hard}\n1 abcdefghi stop {{}}"
        },
        {
            "mistral", $"Well [TOOL_C\n[TOOL_CALLS]get_weather[ARGS]{Hard}[TOOL_CALLS]stop[CALL_ID]123456789[ARGS]{{}}",
            "Well [TOOL_C", "", $"0 id0 get_weather {Hard}\n1 123456789 stop {{}}"
        },
        { "magistral", "[THINK]Hm [/THIN.[/THINK]Yes, [1].", "Yes, [1].", "Hm [/THIN.", "" },
        { "magistral", "[THINK]Hm[TOOL_CALLS]run{\"code\": \"x\"}", "", "Hm", "0 id0 run {\"code\": \"x\"}" },
        {
            "deepseek-r1",
            "<think>\nok\n</think>\n\nWait."
            + "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>run\n```json\n{\"code\": \"```\"}\n```<｜tool▁call▁end｜>\n"
            + "<｜tool▁call▁begin｜>function<｜tool▁sep｜>stop\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
            "Wait.", "ok", "0 id0 run {\"code\": \"```\"}\n1 id1 stop {}"
        },
        {
            "deepseek-v3",
            $"<think>so<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{Hard}<｜tool▁call▁end｜>"
            + "<｜tool▁call▁begin｜>stop<｜tool▁sep｜><｜tool▁call▁end｜><｜tool▁calls▁end｜>",
            "", "so", $"0 id0 get_weather {Hard}\n1 id1 stop {{}}"
        },
        {
            "kimi",
            $"Sure. <|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{Hard}<|tool_call_end|>"
            + "<|tool_call_begin|>functions.stop:0<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>",
            "Sure.", "", $"0 functions.get_weather:0 get_weather {Hard}\n1 functions.stop:0 stop {{}}"
        },
        {
            "harmony",
            "<|channel|>analysis<|message|>Think <|\nhard.\n<|end|><|start|>assistant<|channel|>final<|message|>It is <b>|fine|</b>. 👍<|return|>",
            "It is <b>|fine|</b>. 👍", "Think <|\nhard.", ""
        },
        {
            "harmony",
            $"<|channel|>commentary<|message|>I look.<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{Hard}<|call|>",
            "I look.", "", $"0 id0 get_weather {Hard}"
        },
        { "harmony", "<|start|>assistant to=functions.stop<|channel|>commentary json<|message|><|call|>", "", "", "0 id0 stop {}" },
    };

    [Theory]
    [MemberData(nameof(Replies))]
    public void What_a_family_writes_is_understood(string format, string reply, string content, string reasoning, string calls) =>
        Assert.Equal(new Transcript(content, reasoning, calls, null), Transcript.Of(Format(format), reply));

    [Theory]
    [MemberData(nameof(Replies))]
    public void A_cut_anywhere_changes_nothing(string format, string reply, string content, string reasoning, string calls)
    {
        Assert.NotNull(content + reasoning + calls);
        var whole = Transcript.Of(Format(format), reply);
        for (var cut = 1; cut < reply.Length; cut++)
        {
            Assert.Equal(whole, Transcript.Of(Format(format), [reply[..cut], reply[cut..]]));
        }

        Assert.Equal(whole, Transcript.Of(Format(format), reply.Select(letter => letter.ToString())));
    }

    [Theory]
    [MemberData(nameof(Replies))]
    public void A_cut_off_reply_reads_the_same_in_any_pieces(string format, string reply, string content, string reasoning, string calls)
    {
        Assert.NotNull(content + reasoning + calls);
        for (var end = 0; end < reply.Length; end++)
        {
            Assert.Equal(Transcript.Of(Format(format), reply[..end]), Transcript.Of(Format(format), reply[..end].Select(letter => letter.ToString())));
        }
    }

    [Fact]
    public void Replies_one_after_the_other_with_letters_lost_read_the_same_in_any_pieces()
    {
        var replies = Replies.Select(row => row.Data).ToArray();
        Gen.Select(Gen.Int[0, replies.Length - 1].Array[1, 3], Gen.Int[0, 400].Array[0, 4], Gen.Int[1, 9].Array[1, 20], Gen.Bool, Gen.Bool).Sample(
            (picks, lost, cuts, thinks, calls) =>
        {
            var format = Format(replies[picks[0]].Item1);
            var text = string.Concat(picks.Select(pick => replies[pick].Item2));
            var reply = lost.Aggregate(text, (text, at) => at < text.Length ? text.Remove(at, 1) : text);
            Assert.Equal(Transcript.Of(format, reply, thinks, calls), Transcript.Of(format, Transcript.Cut(reply, cuts), thinks, calls));
        });
    }

    [Fact]
    public void Markers_in_any_order_never_throw_and_read_the_same_in_any_pieces()
    {
        string[] words =
        [
            "<think>", "</think>", "<tool_call>", "</tool_call>", "{\"name\": \"run\", \"arguments\": ", "{\"code\": \"x\"}", "}", "{", "\"", ",", "\n", "[TOOL_CALLS]", "[", "]",
            "run", "[ARGS]", "[CALL_ID]", "<|channel|>", "analysis", "commentary to=functions.run", "<|message|>", "<|end|>", "<|call|>", "<|start|>", "<function=run>",
            "<parameter=code>", "</parameter>", "</function>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>",
            "<｜tool▁sep｜>", "<｜tool▁call▁end｜>", "<|tool_calls_section_begin|>", "<|tool_call_begin|>", "functions.run:0", "<|tool_call_argument_begin|>", "-1", "0.5e", "😀", "\ud83d",
        ];
        Gen.Select(Gen.Int[0, ReplyFormats.All.Count - 1], Gen.Int[0, words.Length - 1].Array[0, 25], Gen.Int[1, 5].Array[1, 20]).Sample((format, text, cuts) =>
        {
            var reply = string.Concat(text.Select(word => words[word]));
            Assert.Equal(Transcript.Of(ReplyFormats.All[format], reply), Transcript.Of(ReplyFormats.All[format], Transcript.Cut(reply, cuts)));
        });
    }

    private static ReplyFormat Format(string name) => ReplyFormats.All.Single(format => format.Name == name);
}
