using System.Collections;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>DeepSeek R1 and V3: a name round <c>&lt;｜tool▁sep｜&gt;</c> and JSON, which the older ones fence.</summary>
internal sealed class DeepSeekCalls() : SectionCalls(Section, SectionEnd, Open, Separator, Close)
{
    internal const string Section = "<｜tool▁calls▁begin｜>";
    internal const string SectionEnd = "<｜tool▁calls▁end｜>";
    internal const string Open = "<｜tool▁call▁begin｜>";
    internal const string Separator = "<｜tool▁sep｜>";
    internal const string Close = "<｜tool▁call▁end｜>";

    private static readonly Markers HeadEnds = new([Separator]);
    private static readonly Markers LineEnds = new(["\n", "{", Close]);

    protected override IEnumerator ReadOne(CallReader reader)
    {
        yield return reader.All(reader.Before(HeadEnds, CallReader.MaxName));
        var name = reader.Taken.Trim();
        yield return reader.All(reader.Expect(Separator), reader.Space());
        if (!reader.IsBroken && name == "function" && reader.Next != '{')
        {
            yield return reader.Before(LineEnds, CallReader.MaxName);
            name = reader.Taken.Trim();
        }

        yield return reader.All(reader.Space(), reader.Optional("```json"), reader.Call(name, null, Close));
        yield return reader.Tail("```", Close);
    }
}
