using System.Collections;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>Kimi K2: <c>functions.name:0</c> is the call's id and holds its name.</summary>
internal sealed class KimiCalls() : SectionCalls(Section, SectionEnd, Open, Arguments, Close)
{
    internal const string Section = "<|tool_calls_section_begin|>";
    internal const string SectionEnd = "<|tool_calls_section_end|>";
    internal const string Open = "<|tool_call_begin|>";
    internal const string Arguments = "<|tool_call_argument_begin|>";
    internal const string Close = "<|tool_call_end|>";
    internal const string Functions = "functions.";

    private static readonly Markers HeadEnds = new([Arguments]);

    protected override IEnumerator ReadOne(CallReader reader)
    {
        yield return reader.All(reader.Before(HeadEnds, CallReader.MaxName));
        var id = reader.Taken.Trim();
        yield return reader.All(reader.Expect(Arguments), reader.Call(NameIn(id), id, Close));
        yield return reader.Tail(Close);
    }

    private static string NameIn(string id)
    {
        var name = id.StartsWith(Functions, StringComparison.Ordinal) ? id[Functions.Length..] : id;
        var colon = name.LastIndexOf(':');
        return colon < 0 ? name : name[..colon];
    }
}
