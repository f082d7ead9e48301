extern alias engine;

using engine::LlmPlatform.Inference.Engine.Replies;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine.Replies;

public sealed class ReplyFormatsTests
{
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
    [InlineData("<｜DSML｜function_calls>", "deepseek-dsml")]
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
    public void An_id_has_the_length_that_the_family_wants()
    {
        Assert.Matches("^call_[0-9A-Za-z]{24}$", ReplyFormats.Hermes.NewCallId());
        Assert.Matches("^[0-9A-Za-z]{9}$", ReplyFormats.Mistral.NewCallId());
    }

    private static Transcript WithoutIds(Transcript transcript) => transcript with
    {
        Calls = string.Join('\n', transcript.Calls.Split('\n').Select(line => line.Split(' ') is [var index, _, .. var rest] ? $"{index} id {string.Join(' ', rest)}" : line)),
    };

    private static string Forced(ReplyFormat format, params string[] names) => string.Concat(
        format.ForcedCall.Before.Select(piece => Text(piece, ""))
            .Concat(names.SelectMany((name, index) => (index == 0 ? [] : format.ForcedCall.Separator).Concat(format.ForcedCall.Call).Select(piece => Text(piece, name))))
            .Concat(format.ForcedCall.After.Select(piece => Text(piece, ""))));

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
