using Google.Protobuf;
using LlmPlatform.Inference.Engine.Llama;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.Inference.Engine.Replies;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// What a model's tokens say: characters, then text, reasoning and calls, then what of the text may be shown before a stop string. Whatever
/// may still turn into something else is held back.
/// </summary>
/// <param name="vocabulary">The model's.</param>
/// <param name="parser">Reads the parts of a reply; null for a text that is continued as it is.</param>
/// <param name="turnEnd">What ends the reply wherever it comes, for models that write their turn mark as text.</param>
/// <param name="stops">What ends the text of the answer.</param>
/// <param name="logprobs">Null unless asked for.</param>
internal sealed class ReplyStream(Vocabulary vocabulary, ReplyParser? parser, StopStrings turnEnd, StopStrings stops, LogProbabilities? logprobs)
{
    private readonly Utf8Assembler characters = new();
    private readonly List<ReplyPart> parts = [];
    private readonly List<Delta> deltas = [];
    private int read; // characters that the tokens gave
    private int calls;
    private int wholeCalls;
    private int shown; // of those, what is told or known to be none of the text

    /// <summary>Nothing more will be shown.</summary>
    internal bool HasStopped => turnEnd.HasStopped || stops.HasStopped;

    /// <summary>It asks for calls, and all of them are whole.</summary>
    internal bool HasCalls => calls > 0 && calls == wholeCalls;

    internal bool InReasoning => parser is { InReasoning: true };

    /// <summary>Why something that looked like a call is text, or null.</summary>
    internal string? Diagnostic => parser?.Diagnostic;

    /// <summary>What can be told after this token.</summary>
    internal IReadOnlyList<Delta> Push(int token, ReadOnlySpan<float> logits)
    {
        deltas.Clear();
        var text = characters.Push(vocabulary.Piece(token)); // none of a control token
        read += text.Length;
        logprobs?.Add(logits, token, text.Length, characters.HasPart, id => ByteString.CopyFrom(vocabulary.Piece(id)));
        if (vocabulary.ControlText(token) is { } mark)
        {
            Read(mark, isSpecial: true);
        }
        else
        {
            Read(turnEnd.Push(text), isSpecial: false);
        }

        if (turnEnd.HasStopped)
        {
            Close();
        }

        return Told();
    }

    /// <summary>The model has ended its reply with this token, or a limit has, without one: what was held back is told.</summary>
    internal IReadOnlyList<Delta> End(int? endMark)
    {
        deltas.Clear();
        Read(turnEnd.Flush(), isSpecial: false);
        if (endMark is { } token && vocabulary.ControlText(token) is { } mark)
        {
            Read(mark, isSpecial: true);
        }

        Close();
        logprobs?.ShowAll();
        return Told();
    }

    private void Close()
    {
        parts.Clear();
        parser?.Finish(parts);
        parts.ForEach(Take);
        Show(stops.Flush());
    }

    private void Read(string text, bool isSpecial)
    {
        if (text.Length == 0)
        {
            return;
        }

        if (parser is null)
        {
            Take(new ReplyPart.Content(isSpecial ? "" : text));
            return;
        }

        parts.Clear();
        parser.Push(text, isSpecial, parts);
        parts.ForEach(Take);
    }

    private void Take(ReplyPart part)
    {
        switch (part)
        {
            case ReplyPart.Content content:
                Show(stops.Push(content.Text));
                break;
            case ReplyPart.Reasoning reasoning when !stops.HasStopped:
                deltas.Add(new Delta { Reasoning = reasoning.Text });
                break;
            case ReplyPart.CallStarted call when !stops.HasStopped:
                calls++;
                deltas.Add(new Delta { Call = new CallStarted { Index = (uint)call.Index, Id = call.Id, Name = call.Name } });
                break;
            case ReplyPart.CallEnded:
                wholeCalls++;
                break;
            case ReplyPart.CallArguments arguments when !stops.HasStopped:
                deltas.Add(new Delta { Arguments = new CallArguments { Index = (uint)arguments.Index, Fragment = arguments.Fragment } });
                break;
        }
    }

    private void Show(string text)
    {
        if (text.Length > 0)
        {
            deltas.Add(new Delta { Text = text });
        }
    }

    private IReadOnlyList<Delta> Told()
    {
        if (logprobs is not null)
        {
            var settled = read - turnEnd.Withheld - (parser?.Held ?? 0) - stops.Withheld;
            logprobs.Show(settled - shown);
            shown = settled;
            if (logprobs.HasReady)
            {
                var bearer = deltas.LastOrDefault(delta => delta.HasText);
                if (bearer is null)
                {
                    deltas.Add(bearer = new Delta { Text = "" });
                }

                bearer.Logprobs.AddRange(logprobs.TakeReady());
            }
        }

        return deltas;
    }
}
