using System.Collections;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>
/// A reply of gpt-oss: messages with a header that names a channel and perhaps a recipient. Analysis is reasoning, a message to a function is
/// a call, everything else is content.
/// </summary>
internal sealed class HarmonyReply(
    bool startsInReasoning, bool parseTools, ReplyText text, CallReader reader, TextSink content, TextSink reasoning)
    : ReplyReader(text, reader, content, reasoning)
{
    internal const string Start = "<|start|>";
    internal const string Channel = "<|channel|>";
    internal const string Message = "<|message|>";
    internal const string Constrain = "<|constrain|>";
    internal const string End = "<|end|>";
    internal const string Return = "<|return|>";
    internal const string Call = "<|call|>";
    private const string Functions = "functions.";
    private const int MaxHeader = 1024;

    private static readonly Markers Any = new(Markers);
    private static readonly Markers HeaderEnds = new([Message, End, Return, Call]);

    internal static IReadOnlyList<string> Markers => [Start, Channel, Message, Constrain, End, Return, Call];

    internal override IEnumerator Read()
    {
        if (startsInReasoning)
        {
            yield return Body(isReasoning: true);
        }

        do
        {
            yield return TextUntil(Any, Content);
            Text.Mark();
            if (Marker is Start or Channel)
            {
                yield return OneMessage();
            }
            else
            {
                Text.Skip(Marker?.Length ?? 0);
            }
        }
        while (!(Text.IsOver && Text.IsEmpty));
    }

    private IEnumerator OneMessage()
    {
        yield return Reader.Until(HeaderEnds, MaxHeader);
        var (header, isReasoning) = (Reader.Taken, WordAfter(Channel, Reader.Taken) == "analysis");
        if (Reader.IsBroken)
        {
            GiveBackHeader();
        }
        else if (Reader.End == Message)
        {
            var recipient = WordAfter("to=", header);
            var isCall = parseTools && recipient.Length > 0 && (!isReasoning || Reader.Calls.Knows(NameIn(recipient)));
            yield return isCall ? OneCall(NameIn(recipient)) : Body(isReasoning);
        }
    }

    private void GiveBackHeader()
    {
        // A header that the end of the reply cuts off says nothing to a reader.
        if (Text.IsOver && Text.IsEmpty)
        {
            Text.Mark();
        }

        GiveBack();
    }

    private IEnumerator Body(bool isReasoning)
    {
        InReasoning = isReasoning;
        if (isReasoning)
        {
            Reasoning.Edge();
        }

        var sink = isReasoning ? Reasoning : Content;
        do
        {
            yield return TextUntil(Any, sink);
            Text.Skip(Marker is null or Start or Channel ? 0 : Marker.Length);
        }
        while (Marker is Message or Constrain);

        if (isReasoning && Marker is not null)
        {
            InReasoning = false;
            Reasoning.Edge();
        }
    }

    private IEnumerator OneCall(string name)
    {
        yield return Reader.Call(name, null, Call);
        if (!Reader.IsBroken)
        {
            yield return Reader.Tail(Call);
            yield break;
        }

        GiveBack();
        yield return TextUntil(Any, Content);
        Content.Write(Text.Take(Marker is null or Start or Channel ? 0 : Marker.Length));
    }

    private static string NameIn(string recipient) =>
        recipient.StartsWith(Functions, StringComparison.Ordinal) ? recipient[Functions.Length..] : recipient;

    private static string WordAfter(string lead, string header)
    {
        var start = header.IndexOf(lead, StringComparison.Ordinal);
        var rest = start < 0 ? "" : header[(start + lead.Length)..].TrimStart();
        var end = rest.AsSpan().IndexOfAny(" \n\t<");
        return end < 0 ? rest : rest[..end];
    }
}
