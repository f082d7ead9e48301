using System.Security.Cryptography;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>The texts that open and close what a model thinks before it answers.</summary>
internal sealed record ReasoningMarkers(string Open, string Close);

/// <summary>What a family of models writes: where it thinks and how it calls a function.</summary>
internal sealed class ReplyFormat(string name, ReasoningMarkers? reasoning, ForcedCall forcedCall, CallSyntax? syntax)
{
    private const string Base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    internal string Name { get; } = name;

    internal ReasoningMarkers? Reasoning { get; } = reasoning;

    internal ForcedCall ForcedCall { get; } = forcedCall;

    /// <summary>How a thought is opened, as the model has to write it; null where it does not think.</summary>
    internal IReadOnlyList<CallPiece>? OpensReasoning { get; init; } = reasoning is null ? null : [new CallPiece.Marker(reasoning.Open)];

    /// <summary>What stands between the end of a thought and what follows.</summary>
    internal IReadOnlyList<CallPiece> ClosesReasoning { get; init; } = [];

    /// <summary>What stands before the text of an answer.</summary>
    internal IReadOnlyList<CallPiece> OpensAnswer { get; init; } = [];

    /// <summary>Whether a prompt ends inside a thought.</summary>
    internal bool IsInThought(string prompt) => Reasoning is { } marks && prompt.AsSpan().TrimEnd().EndsWith(marks.Open, StringComparison.Ordinal);

    /// <summary>
    /// What stands between a prompt and the text of the answer where the model is not to think any more: the end of the thought that the prompt opens,
    /// as templates write an empty one, and what opens the answer.
    /// </summary>
    internal string LeadsToAnswer(string prompt)
    {
        var opening = TextOf(OpensAnswer);
        return !IsInThought(prompt) ? prompt.EndsWith(opening, StringComparison.Ordinal) ? "" : opening
            : Syntax is null ? Reasoning!.Close + TextOf(ClosesReasoning) + opening
            : $"{(prompt.EndsWith('\n') ? "\n" : "\n\n")}{Reasoning!.Close}\n\n{opening}";
    }

    /// <summary>Null: the family writes harmony messages.</summary>
    internal CallSyntax? Syntax { get; } = syntax;

    /// <summary>An id for a call that the family gives none. Templates of the Mistral family accept nine characters, no more and no less.</summary>
    internal string NewCallId() =>
        Syntax is MistralCalls ? RandomNumberGenerator.GetString(Base62, 9) : "call_" + RandomNumberGenerator.GetString(Base62, 24);

    private static string TextOf(IReadOnlyList<CallPiece> pieces) =>
        string.Concat(pieces.Select(piece => piece switch { CallPiece.Marker marker => marker.Text, CallPiece.Literal literal => literal.Text, _ => "" }));
}
