using LlmPlatform.Inference.Engine.Constraints;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.Inference.Engine.Replies;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>What a reply has to be: the form that a request asks for, calls that it must make, and thoughts that may come before both.</summary>
/// <param name="format">How the model writes.</param>
/// <param name="endsReply">Whether a mark is a token that ends a reply.</param>
/// <param name="mayThink">Whether thoughts may come before the answer.</param>
internal sealed class AnswerConstraint(ReplyFormat format, Predicate<string> endsReply, bool mayThink)
{
    // What models put between their thoughts and the answer.
    private const string Gap = @"\n{0,2}";

    /// <summary>Null for a request that takes any text.</summary>
    /// <param name="request">A conversation.</param>
    /// <param name="inThought">Whether the prompt ends inside a thought.</param>
    internal ConstraintSource? Of(Submit request, bool inThought)
    {
        if (Answer(request) is not { } answer)
        {
            return null;
        }

        if (format is not { Reasoning: { } marks, OpensReasoning: { } opening } || !(mayThink || inThought))
        {
            return answer;
        }

        ConstraintSource[] rest = [new ConstraintSource.TextUntil(marks.Close), new ConstraintSource.Regex(Gap), Sequence(format.ClosesReasoning, null), answer];
        return inThought
            ? new ConstraintSource.Sequence(rest)
            : new ConstraintSource.OneOf([answer, new ConstraintSource.Sequence([Sequence(opening, null), .. rest])]);
    }

    /// <summary>The form of a text alone.</summary>
    internal static ConstraintSource? Text(OutputForm? wanted) => wanted?.KindCase switch
    {
        OutputForm.KindOneofCase.JsonObject => new ConstraintSource.AnyJsonObject(),
        OutputForm.KindOneofCase.JsonSchema => new ConstraintSource.JsonSchema(wanted.JsonSchema),
        OutputForm.KindOneofCase.Regex => new ConstraintSource.Regex(wanted.Regex),
        OutputForm.KindOneofCase.Choice => new ConstraintSource.Choice(wanted.Choice.Texts_),
        OutputForm.KindOneofCase.Grammar => new ConstraintSource.Grammar(wanted.Grammar),
        _ => null,
    };

    private ConstraintSource? Answer(Submit request)
    {
        var text = Text(request.Form) is { } form ? new ConstraintSource.Sequence([Sequence(format.OpensAnswer, null), form]) : null;
        if (request.Conversation is not { Tools.Count: > 0 } conversation || conversation.ToolChoice == ToolChoice.None)
        {
            return text;
        }

        return conversation.ToolChoice == ToolChoice.Required ? new ConstraintSource.Sequence(Calls(conversation))
            : text is null ? Strict(conversation)
            : new ConstraintSource.OneOf([text, new ConstraintSource.Sequence(Calls(conversation))]);
    }

    /// <summary>Any text, and behind the mark of a call nothing but calls; null where nobody asks for it, or calls have no mark.</summary>
    private ConstraintSource.OneOf? Strict(Conversation conversation)
    {
        var form = format.ForcedCall;
        if (!conversation.Tools.Any(tool => tool.Strict) || form.Before.Concat(form.Call).First() is not CallPiece.Marker { Text: var mark })
        {
            return null;
        }

        // The mark is what ends the text, so the calls go on behind it.
        return new ConstraintSource.OneOf(
            [new ConstraintSource.TextWithout(mark), new ConstraintSource.Sequence([new ConstraintSource.TextUntil(mark), .. Calls(conversation, behind: mark)])]);
    }

    private ConstraintSource[] Calls(Conversation conversation, string? behind = null)
    {
        var form = format.ForcedCall;
        var before = Behind(form.Before, behind);
        var call = form.Before.Count > 0 ? form.Call : Behind(form.Call, behind);
        var calls = conversation.Tools
            .Where(tool => conversation.ToolName.Length == 0 || tool.Name == conversation.ToolName)
            .ToList();
        var isOne = conversation.SingleCall || !form.AllowsParallel;
        var next = new ConstraintSource.OneOf([.. calls.Select(tool => Sequence(form.Call, tool))]);
        var more = new ConstraintSource.Repeat(new ConstraintSource.Sequence([Sequence(form.Separator, null), next]), null, 0, null);
        var first = new ConstraintSource.OneOf([.. calls.Select(tool => Sequence(call, tool))]);
        return [Sequence(before, null), first, .. isOne ? (ConstraintSource[])[] : [more], Sequence(form.After, null)];
    }

    private static IReadOnlyList<CallPiece> Behind(IReadOnlyList<CallPiece> pieces, string? mark) => mark is null ? pieces : [.. pieces.Skip(1)];

    private ConstraintSource Sequence(IReadOnlyList<CallPiece> pieces, Tool? tool) =>
        new ConstraintSource.Sequence([.. pieces.Where(piece => !EndsReply(piece)).Select(piece => Piece(piece, tool))]);

    /// <summary>A mark with which the model ends its reply comes of itself, or is not needed.</summary>
    private bool EndsReply(CallPiece piece) => piece is CallPiece.Marker marker && endsReply(marker.Text);

    private static ConstraintSource Piece(CallPiece piece, Tool? tool) => piece switch
    {
        CallPiece.Literal literal => new ConstraintSource.Literal(literal.Text),
        CallPiece.Marker marker => new ConstraintSource.Marker(marker.Text),
        CallPiece.Name => new ConstraintSource.Literal(tool!.Name),
        _ when tool is { HasParameters: true } => new ConstraintSource.JsonSchema(tool.Parameters),
        _ => new ConstraintSource.AnyJsonObject(),
    };
}
