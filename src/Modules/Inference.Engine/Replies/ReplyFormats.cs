using static LlmPlatform.Inference.Engine.Replies.CallPiece;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>The families, and which of them a chat template is written for.</summary>
internal static class ReplyFormats
{
    private static readonly ReasoningMarkers Think = new("<think>", "</think>");

    private static readonly ForcedCall TaggedCall = new(
        [],
        [new Marker(TaggedCalls.Open), new Literal("\n"), .. Envelope("arguments"), new Literal("\n"), new Marker(TaggedCalls.Close)],
        [new Literal("\n")],
        [],
        AllowsParallel: true);

    internal static ReplyFormat Hermes { get; } = new("hermes", Think, TaggedCall, new TaggedCalls());

    internal static ReplyFormat QwenCoder { get; } = new("qwen-coder", Think, TaggedCall, new XmlCalls(XmlShape.QwenCoder));

    internal static ReplyFormat Glm { get; } = new("glm", Think, TaggedCall, new XmlCalls(XmlShape.Glm));

    internal static ReplyFormat MiniMax { get; } = new("minimax", Think, TaggedCall, new XmlCalls(XmlShape.MiniMax));

    internal static ReplyFormat Seed { get; } = new("seed", new("<seed:think>", "</seed:think>"), TaggedCall, new XmlCalls(XmlShape.Seed));

    internal static ReplyFormat DeepSeekV32 { get; } = new("deepseek-v3.2", Think, TaggedCall, new XmlCalls(XmlShape.DsmlV3));

    internal static ReplyFormat DeepSeekV4 { get; } = new("deepseek-v4", Think, TaggedCall, new XmlCalls(XmlShape.DsmlV4));

    internal static ReplyFormat Llama { get; } = new(
        "llama",
        Think,
        new([], [.. Envelope("parameters")], [], [], AllowsParallel: false),
        new BareCalls());

    internal static ReplyFormat MistralArray { get; } = MistralWith("mistral-array", Think, ArrayCall());

    internal static ReplyFormat Mistral { get; } = MistralWith("mistral", Think, NamedCall());

    internal static ReplyFormat Magistral { get; } = MistralWith("magistral", new("[THINK]", "[/THINK]"), NamedCall());

    internal static ReplyFormat DeepSeekR1 { get; } = DeepSeek(
        "deepseek-r1",
        new Literal("function"),
        new Marker(DeepSeekCalls.Separator),
        new Name(),
        new Literal("\n```json\n"),
        new CallPiece.Arguments(),
        new Literal("\n```"));

    internal static ReplyFormat DeepSeekV3 { get; } = DeepSeek("deepseek-v3", new Name(), new Marker(DeepSeekCalls.Separator), new CallPiece.Arguments());

    internal static ReplyFormat Kimi { get; } = new(
        "kimi",
        Think,
        new(
            [new Marker(KimiCalls.Section)],
            [
                new Marker(KimiCalls.Open), new Literal(KimiCalls.Functions), new Name(), new Literal(":0"),
                new Marker(KimiCalls.Arguments), new CallPiece.Arguments(), new Marker(KimiCalls.Close),
            ],
            [],
            [new Marker(KimiCalls.SectionEnd)],
            AllowsParallel: true),
        new KimiCalls());

    internal static ReplyFormat Harmony { get; } = new(
        "harmony",
        new($"{HarmonyReply.Channel}analysis{HarmonyReply.Message}", HarmonyReply.End),
        new(
            [],
            [
                new Marker(HarmonyReply.Channel), new Literal("commentary to=functions."), new Name(), new Literal(" "), new Marker(HarmonyReply.Constrain),
                new Literal("json"), new Marker(HarmonyReply.Message), new CallPiece.Arguments(), new Marker(HarmonyReply.Call),
            ],
            [],
            [],
            AllowsParallel: false),
        syntax: null)
    {
        OpensReasoning = [new Marker(HarmonyReply.Channel), new Literal("analysis"), new Marker(HarmonyReply.Message)],
        ClosesReasoning = [new Marker(HarmonyReply.Start), new Literal("assistant")],
        OpensAnswer = [new Marker(HarmonyReply.Channel), new Literal("final"), new Marker(HarmonyReply.Message)],
    };

    internal static IReadOnlyList<ReplyFormat> All =>
    [
        Hermes, QwenCoder, Glm, MiniMax, Seed, Llama, MistralArray, Mistral, Magistral,
        DeepSeekR1, DeepSeekV3, DeepSeekV32, DeepSeekV4, Kimi, Harmony,
    ];

    /// <summary>Chooses by the markers that the template writes; a model without a template, or with an unknown one, most likely learned Hermes.</summary>
    internal static ReplyFormat Detect(string? template) => template switch
    {
        null => Hermes,
        _ when Has(template, HarmonyReply.Channel) => Harmony,
        _ when Has(template, "[TOOL_CALLS]") => DetectMistral(template),
        _ when Has(template, "｜DSML｜") => Has(template, "function_calls") ? DeepSeekV32 : DeepSeekV4,
        _ when Has(template, DeepSeekCalls.Open) => Has(template, "```json") ? DeepSeekR1 : DeepSeekV3,
        _ when Has(template, KimiCalls.Open) => Kimi,
        _ when Has(template, "<arg_key>") => Glm,
        _ when Has(template, XmlShape.MiniMax.Section) => MiniMax,
        _ when Has(template, XmlShape.Seed.Section) => Seed,
        _ when Has(template, XmlShape.QwenCoder.Key) => QwenCoder,
        _ when Has(template, TaggedCalls.Open) => Hermes,
        _ when Has(template, "<|python_tag|>") || Has(template, "<|start_header_id|>") => Llama,
        _ => Hermes,
    };

    private static bool Has(string template, string text) => template.Contains(text, StringComparison.Ordinal);

    private static ReplyFormat DetectMistral(string template) => template switch
    {
        _ when Has(template, "[THINK]") => Magistral,
        _ when Has(template, MistralCalls.Arguments) => Mistral,
        _ => MistralArray,
    };

    private static ReplyFormat MistralWith(string name, ReasoningMarkers thinking, ForcedCall forced) => new(name, thinking, forced, new MistralCalls());

    private static CallPiece[] Envelope(string arguments) =>
        [new Literal("{\"name\": \""), new Name(), new Literal($"\", \"{arguments}\": "), new CallPiece.Arguments(), new Literal("}")];

    private static ForcedCall ArrayCall() => new(
        [new Marker(MistralCalls.Open), new Literal("[")],
        [.. Envelope("arguments")],
        [new Literal(", ")],
        [new Literal("]")],
        AllowsParallel: true);

    private static ForcedCall NamedCall() => new(
        [], [new Marker(MistralCalls.Open), new Name(), new Marker(MistralCalls.Arguments), new CallPiece.Arguments()], [], [], AllowsParallel: true);

    private static ReplyFormat DeepSeek(string name, params CallPiece[] call) => new(
        name,
        Think,
        new(
            [new Marker(DeepSeekCalls.Section)],
            [new Marker(DeepSeekCalls.Open), .. call, new Marker(DeepSeekCalls.Close)],
            [],
            [new Marker(DeepSeekCalls.SectionEnd)],
            AllowsParallel: true),
        new DeepSeekCalls());
}
