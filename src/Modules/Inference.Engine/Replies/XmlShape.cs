namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>How a family writes a call in tags. An empty <c>Call</c> means that the section's opener is followed by the name.</summary>
internal sealed record XmlShape(
    string Section, string SectionEnd, string Call, string NameEnd, string CallEnd, string Key, string KeyEnd, string Value, string ValueEnd)
{
    /// <summary>A value stands on lines of its own.</summary>
    internal bool IsPadded { get; init; }

    /// <summary>Between key and value stands an attribute which says whether the value is text.</summary>
    internal bool SaysWhetherText { get; init; }

    internal static XmlShape QwenCoder { get; } = new(
        TaggedCalls.Open, TaggedCalls.Close, "<function=", ">", "</function>", "<parameter=", ">", "", "</parameter>")
    {
        IsPadded = true,
    };

    internal static XmlShape Glm { get; } = new(
        TaggedCalls.Open, TaggedCalls.Close, "", "", TaggedCalls.Close, "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>");

    internal static XmlShape MiniMax { get; } = new(
        "<minimax:tool_call>", "</minimax:tool_call>", "<invoke name=\"", "\">", "</invoke>", "<parameter name=\"", "\">", "", "</parameter>");

    internal static XmlShape Seed { get; } = QwenCoder with { Section = "<seed:tool_call>", SectionEnd = "</seed:tool_call>" };

    internal static XmlShape DsmlV3 { get; } = new(
        "<｜DSML｜function_calls>", "</｜DSML｜function_calls>", "<｜DSML｜invoke name=\"", "\">", "</｜DSML｜invoke>",
        "<｜DSML｜parameter name=\"", "\"", ">", "</｜DSML｜parameter>")
    {
        SaysWhetherText = true,
    };

    internal static XmlShape DsmlV4 { get; } = DsmlV3 with { Section = "<｜DSML｜tool_calls>", SectionEnd = "</｜DSML｜tool_calls>" };
}
