using System.Collections;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>Calls whose parameters stand in tags; the values become JSON by the function's schema. Envelopes of JSON are read as well.</summary>
internal sealed class XmlCalls(XmlShape shape) : TaggedCalls
{
    internal override IReadOnlyList<string> Openers { get; } = [.. new[] { Open, shape.Section, shape.Call }.Where(text => text.Length > 0).Distinct()];

    internal override IReadOnlyList<string> SectionClosers => shape.SectionEnd == Close ? [] : [shape.SectionEnd];

    internal override IReadOnlyList<string> InnerMarkers { get; } =
        [Close, shape.SectionEnd, shape.CallEnd, shape.Key, shape.KeyEnd, shape.Value, shape.ValueEnd];

    internal override IEnumerator Read(string? opener, CallReader reader)
    {
        if (opener != shape.Call)
        {
            yield return reader.Space();
            if (reader.Next == '{')
            {
                yield return base.Read(opener, reader);
                yield break;
            }
        }

        yield return reader.All(opener == shape.Call || shape.Call.Length == 0 ? reader.Space() : reader.Expect(shape.Call));
        if (!reader.IsBroken)
        {
            yield return new XmlCall(shape, reader).Read();
        }

        if (!reader.IsBroken && shape.Section == Open && shape.CallEnd != Close)
        {
            yield return reader.Tail(Close);
        }
    }
}
