using System.Collections;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>Calls that stand in a section, each behind a marker of its own; nothing else of a reply has these markers.</summary>
internal abstract class SectionCalls(string section, string sectionEnd, string open, params string[] innerMarkers) : CallSyntax
{
    internal override IReadOnlyList<string> Openers { get; } = [section, open];

    internal override IReadOnlyList<string> SectionClosers { get; } = [sectionEnd];

    internal override IReadOnlyList<string> InnerMarkers => innerMarkers;

    internal override bool EndsReasoning => true;

    internal override IEnumerator Read(string? opener, CallReader reader)
    {
        if (opener == section)
        {
            yield return reader.All(reader.Space(), reader.Expect(open));
        }

        yield return ReadOne(reader);
    }

    /// <summary>Reads a call from behind its marker.</summary>
    protected abstract IEnumerator ReadOne(CallReader reader);
}
