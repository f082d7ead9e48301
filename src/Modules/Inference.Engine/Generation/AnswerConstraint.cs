using LlmPlatform.Inference.Engine.Constraints;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.Inference.Engine.Replies;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>What a reply has to be: the form that a request asks for, calls that it must make, and thoughts that may come before both.</summary>
internal static class AnswerConstraint
{
    // What models put between their thoughts and the answer.
    private const string Gap = @"\n{0,2}";

    /// <summary>Null for a request that takes any text.</summary>
    /// <param name="request">The request.</param>
    /// <param name="format">How the model writes.</param>
    /// <param name="mayThink">Whether thoughts may come before the answer.</param>
    /// <param name="inThought">Whether the prompt ends inside a thought.</param>
    internal static ConstraintSource? Of(Submit request, ReplyFormat format, bool mayThink, bool inThought)
    {
        if (Answer(request, format) is not { } answer)
        {
            return null;
        }

        if (format.Reasoning is not { } marks || !(mayThink || inThought))
        {
            return answer;
        }

        ConstraintSource[] rest = [new ConstraintSource.TextUntil(marks.Close), new ConstraintSource.Regex(Gap), answer];
        return inThought
            ? new ConstraintSource.Sequence(rest)
            : new ConstraintSource.OneOf([answer, new ConstraintSource.Sequence([new ConstraintSource.Marker(marks.Open), .. rest])]);
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

    private static ConstraintSource? Answer(Submit request, ReplyFormat format)
    {
        var text = Text(request.Form);
        if (request.Conversation is not { Tools.Count: > 0 } conversation || conversation.ToolChoice == ToolChoice.None)
        {
            return text;
        }

        return conversation.ToolChoice == ToolChoice.Required ? Calls(conversation, format)
            : text is null ? null
            : new ConstraintSource.OneOf([text, Calls(conversation, format)]);
    }

    private static ConstraintSource.Sequence Calls(Conversation conversation, ReplyFormat format)
    {
        var form = format.ForcedCall;
        var calls = conversation.Tools
            .Where(tool => conversation.ToolName.Length == 0 || tool.Name == conversation.ToolName)
            .Select(tool => Sequence(form.Call, tool));
        int? most = conversation.SingleCall || !form.AllowsParallel ? 1 : null;
        var all = new ConstraintSource.Repeat(new ConstraintSource.OneOf([.. calls]), Sequence(form.Separator, null), 1, most);
        return new ConstraintSource.Sequence([Sequence(form.Before, null), all, Sequence(form.After, null)]);
    }

    private static ConstraintSource Sequence(IReadOnlyList<CallPiece> pieces, Tool? tool) =>
        new ConstraintSource.Sequence([.. pieces.Select(piece => Piece(piece, tool))]);

    private static ConstraintSource Piece(CallPiece piece, Tool? tool) => piece switch
    {
        CallPiece.Literal literal => new ConstraintSource.Literal(literal.Text),
        CallPiece.Marker marker => new ConstraintSource.Marker(marker.Text),
        CallPiece.Name => new ConstraintSource.Literal(tool!.Name),
        _ when tool is { HasParameters: true } => new ConstraintSource.JsonSchema(tool.Parameters),
        _ => new ConstraintSource.AnyJsonObject(),
    };
}
