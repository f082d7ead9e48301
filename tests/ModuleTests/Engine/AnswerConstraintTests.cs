extern alias engine;

using System.Text;
using engine::LlmPlatform.Inference.Engine.Constraints;
using engine::LlmPlatform.Inference.Engine.Generation;
using engine::LlmPlatform.Inference.Engine.Protocol;
using engine::LlmPlatform.Inference.Engine.Replies;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine;

/// <summary>What a reply may be, asked in whole texts, for every family.</summary>
public sealed class AnswerConstraintTests
{
    private const string Call = """{"city":"Oslo","days":2}""";

    private static readonly Tool Weather = new()
    {
        Name = "get_weather",
        Parameters = """{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"}},"required":["city","days"]}""",
    };

    public static TheoryData<string> Families => [.. ReplyFormats.All.Select(format => format.Name)];

    [Theory, MemberData(nameof(Families))]
    public void A_call_that_has_to_be_made_is_read_back_by_its_family_and_nothing_else_is_taken(string family)
    {
        var format = Format(family);
        var required = Compile(format, Request(ToolChoice.Required));
        Assert.False(Takes(required, "Hello."));
        Assert.False(Takes(required, Write(format, """{"city":"Oslo"}""")));
        Assert.False(Takes(required, Write(format, Call, name: "get_time")));
        Assert.True(Takes(required, Write(format, Call)));

        var parser = new ReplyParser(format, [new ToolSignature(Weather.Name, Weather.Parameters)], startsInReasoning: false, parseTools: true, format.NewCallId);
        var parts = new List<ReplyPart>();
        parser.Push(Write(format, Call), isSpecial: false, parts);
        parser.Finish(parts);
        Assert.Equal("get_weather", Assert.Single(parts.OfType<ReplyPart.CallStarted>()).Name);
        Assert.Equal(Call, string.Concat(parts.OfType<ReplyPart.CallArguments>().Select(part => part.Fragment)).Replace(" ", "", StringComparison.Ordinal));
        Assert.Single(parts.OfType<ReplyPart.CallEnded>());
        Assert.Empty(parts.OfType<ReplyPart.Content>());
    }

    [Theory, MemberData(nameof(Families))]
    public void One_call_is_one_and_several_are_several_where_the_family_can(string family)
    {
        var format = Format(family);
        var two = Text(format.ForcedCall.Before, Call) + Text(format.ForcedCall.Call, Call) + Text(format.ForcedCall.Separator, Call) + Text(format.ForcedCall.Call, Call)
            + Text(format.ForcedCall.After, Call);
        Assert.Equal(format.ForcedCall.AllowsParallel, Takes(Compile(format, Request(ToolChoice.Required)), two));
        var single = Request(ToolChoice.Required);
        single.Conversation.SingleCall = true;
        Assert.False(Takes(Compile(format, single), two));
        Assert.True(Takes(Compile(format, single), Write(format, Call)));
    }

    [Theory, MemberData(nameof(Families))]
    public void A_thought_may_come_first_where_the_model_thinks_and_has_to_end_where_the_prompt_began_one(string family)
    {
        var format = Format(family);
        var request = new Submit { Conversation = new Conversation(), Form = new OutputForm { Regex = "[0-9]+" } };
        var answer = Text(format.OpensAnswer, "") + "42";
        var thought = $"so {{ 6 * 7{format.Reasoning!.Close}{Text(format.ClosesReasoning, "")}{answer}";
        var whole = Text(format.OpensReasoning!, "") + thought;

        Assert.True(Takes(Compile(format, request), answer));
        Assert.False(Takes(Compile(format, request), whole));
        Assert.True(Takes(Compile(format, request, mayThink: true), answer));
        Assert.True(Takes(Compile(format, request, mayThink: true), whole));
        Assert.True(Takes(Compile(format, request, inThought: true), thought));
        Assert.False(Takes(Compile(format, request, inThought: true), answer));
    }

    [Fact]
    public void A_model_that_decides_for_itself_writes_any_text_but_a_strict_functions_call_has_to_be_right()
    {
        var request = Request(ToolChoice.Auto);
        Assert.Null(new AnswerConstraint(ReplyFormats.Hermes, _ => false, mayThink: false).Of(request, inThought: false));
        request.Conversation.Tools[0].Strict = true;
        var strict = Compile(ReplyFormats.Hermes, request);
        Assert.True(Takes(strict, "It rains in <tool_cal> Oslo."));
        Assert.True(Takes(strict, "I ask.\n" + Write(ReplyFormats.Hermes, Call)));
        Assert.False(Takes(strict, "I ask.\n" + Write(ReplyFormats.Hermes, """{"city":7,"days":2}""")));
        Assert.False(Takes(strict, "I ask.\n" + Write(ReplyFormats.Hermes, Call, name: "get_time")));
        Assert.False(Takes(strict, "I ask. <tool_call> of what?"));
    }

    [Fact]
    public void A_form_and_calls_are_either_the_one_or_the_other()
    {
        var request = Request(ToolChoice.Auto);
        request.Form = new OutputForm { JsonSchema = """{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}""" };
        var either = Compile(ReplyFormats.Hermes, request);
        Assert.True(Takes(either, """{"a":1}"""));
        Assert.True(Takes(either, Write(ReplyFormats.Hermes, Call)));
        Assert.False(Takes(either, "Hello."));
    }

    private static Submit Request(ToolChoice choice) => new() { Conversation = new Conversation { Tools = { Weather.Clone() }, ToolChoice = choice } };

    private static ReplyFormat Format(string name) => ReplyFormats.All.Single(format => format.Name == name);

    private static Constraint Compile(ReplyFormat format, Submit request, bool mayThink = false, bool inThought = false) =>
        new ConstraintCompiler(new Bytes()).Compile(new AnswerConstraint(format, _ => false, mayThink).Of(request, inThought)!);

    private static string Write(ReplyFormat format, string arguments, string name = "get_weather") =>
        Text(format.ForcedCall.Before, arguments, name) + Text(format.ForcedCall.Call, arguments, name) + Text(format.ForcedCall.After, arguments, name);

    private static string Text(IEnumerable<CallPiece> pieces, string arguments, string name = "get_weather") => string.Concat(pieces.Select(piece => piece switch
    {
        CallPiece.Literal literal => literal.Text,
        CallPiece.Marker marker => marker.Text,
        CallPiece.Name => name,
        _ => arguments,
    }));

    private static bool Takes(Constraint constraint, string text)
    {
        var state = constraint.Start();
        return Encoding.UTF8.GetBytes(text).All(value => state.TryAccept(value)) && state.MayEnd;
    }

    /// <summary>A token for every byte, and one that ends.</summary>
    private sealed class Bytes : IVocabularyText
    {
        private static readonly byte[] all = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];

        public int Size => all.Length + 1;

        public bool EndsGeneration(int token) => token == all.Length;

        public int? ControlToken(string text) => null;

        ReadOnlySpan<byte> IVocabularyText.Bytes(int token) => token < all.Length ? all.AsSpan(token, 1) : [];
    }
}
