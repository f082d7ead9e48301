using System.Collections;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>What a reader of whole replies works with.</summary>
internal abstract class ReplyReader(ReplyText text, CallReader reader, TextSink content, TextSink reasoning)
{
    internal bool InReasoning { get; private protected set; }

    /// <summary>Characters of white space that wait for what follows them.</summary>
    internal int Waiting => Content.Waiting + Reasoning.Waiting;

    /// <summary>The marker before which the last text ended, still unread; null where the reply is over.</summary>
    protected string? Marker { get; private set; }

    protected ReplyText Text { get; } = text;

    protected CallReader Reader { get; } = reader;

    protected TextSink Content { get; } = content;

    protected TextSink Reasoning { get; } = reasoning;

    /// <summary>Reads a reply from its beginning to its end.</summary>
    internal abstract IEnumerator Read();

    /// <summary>The reply is over: white space at its end belongs to an answer, but to no thought.</summary>
    internal void Finish()
    {
        Content.Flush();
        Reasoning.Edge();
    }

    protected IEnumerator TextUntil(Markers markers, TextSink sink)
    {
        while (true)
        {
            var (plain, marker) = markers.Find(Text.Unread, Text.IsOver);
            sink.Write(Text.Take(plain));
            if (marker is not null || Text.IsOver)
            {
                Marker = marker;
                yield break;
            }

            yield return null;
        }
    }

    /// <summary>A call that is none is content, as it was written.</summary>
    protected void GiveBack()
    {
        Content.Write(Text.TakeMarked());
        Reader.Calls.Forgive();
    }
}
