using System.Collections;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>A reply whose thinking and calls stand between markers; everything else is content.</summary>
internal sealed class TaggedReply(
    ReasoningMarkers? thinking, CallSyntax? syntax, bool startsInReasoning, ReplyText text, CallReader reader, TextSink content, TextSink reasoning)
    : ReplyReader(text, reader, content, reasoning)
{
    private readonly Markers inContent = new([.. Of(thinking), .. syntax?.Openers ?? [], .. syntax?.SectionClosers ?? []]);
    private readonly Markers inReasoning = new([.. Of(thinking), .. syntax?.EndsReasoning == true ? syntax.Openers : []]);

    internal override IEnumerator Read()
    {
        InReasoning = startsInReasoning && thinking is not null;
        if (InReasoning)
        {
            yield return Think();
        }

        do
        {
            if (syntax?.ReadsBareCalls == true && Content.IsBlank && !Reader.Calls.HasCalls)
            {
                yield return BareCall();
            }

            yield return TextUntil(inContent, Content);
            yield return Marker is null ? null : AtMarker(Marker);
        }
        while (Marker is not null);
    }

    private static string[] Of(ReasoningMarkers? thinking) => thinking is null ? [] : [thinking.Open, thinking.Close];

    private IEnumerator AtMarker(string marker)
    {
        Text.Mark();
        Text.Skip(marker.Length);
        if (marker == thinking?.Open)
        {
            yield return Think();
        }
        else if (syntax?.Openers.Contains(marker) == true)
        {
            yield return Call(marker);
        }
        else if (marker != thinking?.Close && !Reader.Calls.HasCalls)
        {
            GiveBack();
        }
    }

    private IEnumerator Think()
    {
        InReasoning = true;
        Reasoning.Edge();
        do
        {
            yield return TextUntil(inReasoning, Reasoning);
            Text.Skip(Marker is not null && Of(thinking).Contains(Marker) ? Marker.Length : 0);
        }
        while (Marker == thinking?.Open);

        if (Marker is not null)
        {
            InReasoning = false;
            Reasoning.Edge();
            Content.Edge();
        }
    }

    private IEnumerator BareCall()
    {
        Text.Mark();
        yield return Reader.Space();
        if (!Reader.IsBroken && Reader.Next == '{')
        {
            yield return Call(null);
        }
        else
        {
            GiveBack();
        }
    }

    private IEnumerator Call(string? opener)
    {
        yield return syntax!.Read(opener, Reader);
        if (Reader.IsBroken)
        {
            GiveBack();
        }

        Text.Mark();
    }
}
