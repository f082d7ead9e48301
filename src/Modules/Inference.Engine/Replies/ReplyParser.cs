namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>
/// Turns what a model writes, piece by piece, into content, reasoning and calls. How the text is cut into pieces changes nothing but the size
/// of the parts. Every character is looked at a bounded number of times, and what is held back is bounded too.
/// </summary>
internal sealed class ReplyParser
{
    private readonly ReplyText text = new();
    private readonly TextSink content;
    private readonly CallWriter calls;
    private readonly ReplyReader reader;
    private readonly Routine routine;
    private readonly string[] markers;
    private List<ReplyPart> output = [];
    private string half = "";

    internal ReplyParser(ReplyFormat format, IReadOnlyList<ToolSignature> tools, bool startsInReasoning, bool parseTools, Func<string> newCallId)
    {
        content = new TextSink(text => output.Add(new ReplyPart.Content(text)), holdsSpace: parseTools);
        calls = new CallWriter(tools, newCallId, content, part => output.Add(part));
        markers = [.. MarkersOf(format)];
        reader = ReaderOf(format, startsInReasoning, parseTools);
        routine = new Routine(reader.Read());
        routine.Resume();
    }

    internal bool InReasoning => reader.InReasoning;

    /// <summary>Characters that were pushed and of which it is not settled yet what they are.</summary>
    internal int Held => text.Unsettled + reader.Waiting + half.Length;

    /// <summary>Why something that began like a call is content, or why a call never ended.</summary>
    internal string? Diagnostic => calls.Diagnostic;

    /// <summary>Takes the next piece. A special token that plays no part in the format is dropped.</summary>
    internal void Push(string text, bool isSpecial, List<ReplyPart> parts)
    {
        if (text.Length == 0 || (isSpecial && !markers.Any(marker => marker.Contains(text, StringComparison.Ordinal))))
        {
            return;
        }

        var whole = half + text;
        half = char.IsHighSurrogate(whole[^1]) ? whole[^1..] : "";
        this.text.Append(Sound(whole[..^half.Length]));
        Run(parts);
    }

    /// <summary>The model has ended: what was held back comes out.</summary>
    internal void Finish(List<ReplyPart> parts)
    {
        text.Complete();
        Run(parts);
        reader.Finish();
        half = "";
    }

    /// <summary>Half a character without its partner becomes U+FFFD.</summary>
    private static string Sound(string text) => text.AsSpan().ContainsAnyInRange('\ud800', '\udfff') ? string.Concat(text.EnumerateRunes()) : text;

    private void Run(List<ReplyPart> parts)
    {
        output = parts;
        routine.Resume();
    }

    private ReplyReader ReaderOf(ReplyFormat format, bool startsInReasoning, bool parseTools)
    {
        var reasoning = new TextSink(text => output.Add(new ReplyPart.Reasoning(text)), holdsSpace: true);
        var callReader = new CallReader(text, calls);
        return format.Syntax is null
            ? new HarmonyReply(startsInReasoning, parseTools, text, callReader, content, reasoning)
            : new TaggedReply(format.Reasoning, parseTools ? format.Syntax : null, startsInReasoning, text, callReader, content, reasoning);
    }

    private static IEnumerable<string> MarkersOf(ReplyFormat format) => format.Syntax is { } syntax
        ? [.. syntax.Openers, .. syntax.SectionClosers, .. syntax.InnerMarkers, format.Reasoning?.Open ?? "", format.Reasoning?.Close ?? ""]
        : HarmonyReply.Markers;
}
