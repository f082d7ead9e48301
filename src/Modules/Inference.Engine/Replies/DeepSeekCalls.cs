using System.Collections;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>DeepSeek R1 and V3: a name round <c>&lt;｜tool▁sep｜&gt;</c> and JSON, which the older ones fence.</summary>
internal sealed class DeepSeekCalls : CallSyntax
{
    internal const string Section = "<｜tool▁calls▁begin｜>";
    internal const string SectionEnd = "<｜tool▁calls▁end｜>";
    internal const string Open = "<｜tool▁call▁begin｜>";
    internal const string Separator = "<｜tool▁sep｜>";
    internal const string Close = "<｜tool▁call▁end｜>";

    private static readonly Markers HeadEnds = new([Separator]);
    private static readonly Markers LineEnds = new(["\n", "{", Close]);

    internal override IReadOnlyList<string> Openers => [Section, Open];

    internal override IReadOnlyList<string> SectionClosers => [SectionEnd];

    internal override IReadOnlyList<string> InnerMarkers => [Separator, Close];

    internal override bool EndsReasoning => true;

    internal override IEnumerator Read(string? opener, CallReader reader)
    {
        if (opener == Section)
        {
            yield return reader.All(reader.Space(), reader.Expect(Open));
        }

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
