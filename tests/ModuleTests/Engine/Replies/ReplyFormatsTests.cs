extern alias engine;

using System.Text.Encodings.Web;
using System.Text.Json;
using CsCheck;
using engine::LlmPlatform.Inference.Engine.Replies;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine.Replies;

public sealed class ReplyFormatsTests
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly string[] Words =
    [
        "a", "<", "<|", "<tool", "</thin", "[", "[/THIN", "[TOOL_CALL", "{", "}",
        "\"", "\\", "\n", " ", "😀", "é", "<｜tool", "```", "{\"name\": \"", "functions.", "]]>",
    ];

    private static readonly Gen<string> Texts = Gen.Int[0, Words.Length - 1].Array[0, 12].Select(picks => string.Concat(picks.Select(pick => Words[pick])));

    public static TheoryData<string> Names => [.. ReplyFormats.All.Select(format => format.Name)];

    [Theory]
    [InlineData(null, "hermes")]
    [InlineData("", "hermes")]
    [InlineData("{{ messages }}", "hermes")]
    [InlineData("<|im_start|> <tool_call>\\n{\"name\": <think>", "hermes")]
    [InlineData("<tool_call>\\n<function=example>\\n<parameter=one>", "qwen-coder")]
    [InlineData("<|start_header_id|> {\"name\": function name, \"parameters\": x} <|python_tag|>", "llama")]
    [InlineData("<|start_header_id|> <tool_call>", "hermes")]
    [InlineData("[AVAILABLE_TOOLS] [TOOL_CALLS][", "mistral-array")]
    [InlineData("[TOOL_CALLS] + name + [CALL_ID] + id + [ARGS]", "mistral")]
    [InlineData("[THINK] [TOOL_CALLS] + name + [ARGS]", "magistral")]
    [InlineData("<|start|>assistant<|channel|>analysis<|message|>", "harmony")]
    [InlineData("<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>' + tool['type'] + '<｜tool▁sep｜>' + name + '\\n' + '```json'", "deepseek-r1")]
    [InlineData("<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>' + name + '<｜tool▁sep｜>'", "deepseek-v3")]
    [InlineData("<｜DSML｜function_calls>", "deepseek-v3.2")]
    [InlineData("{%- set dsml_token = '｜DSML｜' -%} '<' + dsml_token + 'tool_calls>'", "deepseek-v4")]
    [InlineData("<seed:think> <seed:tool_call>\n<function=example>\n<parameter=one>", "seed")]
    [InlineData("<tool_call>{function-name} <arg_key>", "glm")]
    [InlineData("<|tool_calls_section_begin|><|tool_call_begin|>", "kimi")]
    [InlineData("<minimax:tool_call>", "minimax")]
    public void The_template_tells_the_family(string? template, string name) => Assert.Equal(name, ReplyFormats.Detect(template).Name);

    [Theory]
    [MemberData(nameof(Names))]
    public void A_forced_call_is_read_back(string name)
    {
        var format = ReplyFormats.All.Single(format => format.Name == name);
        Assert.Equal(new Transcript("", "", "0 id stop {}", null), WithoutIds(Transcript.Of(format, Forced(format, "stop"))));
        if (format.ForcedCall.AllowsParallel)
        {
            Assert.Equal(new Transcript("", "", "0 id stop {}\n1 id run {}", null), WithoutIds(Transcript.Of(format, Forced(format, "stop", "run"))));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_forced_call_whose_markers_are_special_tokens_is_read_back(string name)
    {
        var format = ReplyFormats.All.Single(format => format.Name == name);
        var pieces = Pieces(format).Select(piece => piece is CallPiece.Marker marker ? "\0" + marker.Text : Text(piece, "run"));
        Assert.Equal(new Transcript("", "", "0 id run {}", null), WithoutIds(Transcript.Of(format, pieces)));
    }

    [Fact]
    public void Any_thought_answer_and_call_is_read_back_in_any_pieces() =>
        Gen.Select(Gen.Int[0, ReplyFormats.All.Count - 1], Texts, Texts, Texts, Gen.Bool, Gen.Int[1, 9].Array[1, 20]).Sample(
            (at, thought, said, code, calls, cuts) =>
        {
            var format = ReplyFormats.All[at];
            var answer = format == ReplyFormats.Llama && calls ? "" : said;
            var arguments = JsonSerializer.Serialize(new Dictionary<string, string> { ["code"] = code }, Readable);
            var content = calls ? Trimmed(format, answer).TrimEnd() : Trimmed(format, answer);
            var expected = new Transcript(content, thought.Trim(), calls ? $"0 id run {arguments}" : "", null);
            var call = calls ? Forced(format, "run").Replace("{}", arguments, StringComparison.Ordinal) : "";
            var reply = Thinking(format, thought) + Saying(format, answer) + call;
            var actual = Transcript.Of(format, Transcript.Cut(reply, cuts));
            Assert.Equal(expected, (calls ? WithoutIds(actual) : actual) with { Diagnostic = null });
        });

    [Fact]
    public void An_id_has_the_length_that_the_family_wants()
    {
        Assert.Matches("^call_[0-9A-Za-z]{24}$", ReplyFormats.Hermes.NewCallId());
        Assert.Matches("^[0-9A-Za-z]{9}$", ReplyFormats.Mistral.NewCallId());
    }

    // Harmony knows where an answer begins, the others trim the layout behind the thinking.
    private static string Trimmed(ReplyFormat format, string answer) => format == ReplyFormats.Harmony ? answer : answer.TrimStart();

    private static string Thinking(ReplyFormat format, string thought) => format.Reasoning!.Open + thought + format.Reasoning.Close;

    private static string Saying(ReplyFormat format, string answer) => format == ReplyFormats.Harmony
        ? $"<|start|>assistant<|channel|>final<|message|>{answer}<|end|><|start|>assistant"
        : answer;

    private static Transcript WithoutIds(Transcript transcript) => transcript with
    {
        Calls = string.Join('\n', transcript.Calls.Split('\n').Select(WithoutId)),
    };

    private static string WithoutId(string call) => call.Split(' ', 3) is [var index, _, var rest] ? $"{index} id {rest}" : call;

    private static string Forced(ReplyFormat format, params string[] names) => string.Concat(
        format.ForcedCall.Before.Select(piece => Text(piece, ""))
            .Concat(names.SelectMany((name, index) => ForcedCall(format, index == 0).Select(piece => Text(piece, name))))
            .Concat(format.ForcedCall.After.Select(piece => Text(piece, ""))));

    private static CallPiece[] ForcedCall(ReplyFormat format, bool isFirst) =>
        [.. isFirst ? [] : format.ForcedCall.Separator, .. format.ForcedCall.Call];

    private static IEnumerable<CallPiece> Pieces(ReplyFormat format) =>
        [.. format.ForcedCall.Before, .. format.ForcedCall.Call, .. format.ForcedCall.After];

    private static string Text(CallPiece piece, string name) => piece switch
    {
        CallPiece.Literal literal => literal.Text,
        CallPiece.Marker marker => marker.Text,
        CallPiece.Name => name,
        _ => "{}",
    };
}
