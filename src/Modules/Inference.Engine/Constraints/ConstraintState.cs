using LlmPlatform.Inference.Engine.Generation;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>
/// Where one text is under its constraint. Used by one thread at a time; states of one constraint may run on several. Where no token is
/// possible it is stuck and stays so: the caller fails the request.
/// </summary>
internal sealed class ConstraintState
{
    private readonly Constraint constraint;
    private Positions positions;

    internal ConstraintState(Constraint constraint, Positions positions) => (this.constraint, this.positions) = (constraint, positions);

    /// <summary>The text is whole as it is.</summary>
    internal bool MayEnd => !IsStuck && positions.MayEnd;

    /// <summary>The text is whole and nothing can follow.</summary>
    internal bool MustEnd => MayEnd && positions.Frames.Length == 0;

    /// <summary>No token can come next, or finding out took too much. Known after a mask or a token.</summary>
    internal bool IsStuck => Refusal is not null;

    /// <summary>Why the state is stuck.</summary>
    internal RequestRefusedException? Refusal { get; private set; }

    /// <summary>Sets the logits of tokens that may not come next to minus infinity; of all tokens where the state is stuck.</summary>
    internal void Mask(Span<float> logits)
    {
        if (FindMask() is { } mask)
        {
            mask.Apply(logits);
        }
        else
        {
            logits.Fill(float.NegativeInfinity);
        }
    }

    /// <summary>Takes the token if it may come next; an end token changes nothing.</summary>
    internal bool TryAccept(int token)
    {
        if (IsStuck || !constraint.IsToken(token))
        {
            return false;
        }

        if (constraint.EndsGeneration(token))
        {
            return MayEnd;
        }

        try
        {
            if (constraint.Advance(positions, token) is not { } next)
            {
                return false;
            }

            positions = next;
            return true;
        }
        catch (RequestRefusedException refusal)
        {
            Refusal = refusal;
            return false;
        }
    }

    /// <summary>A state of its own at the same place, for tokens that are only guessed.</summary>
    internal ConstraintState Fork() => new(constraint, positions) { Refusal = Refusal };

    private TokenMask? FindMask()
    {
        if (IsStuck)
        {
            return null;
        }

        try
        {
            (positions, var mask) = constraint.MaskAt(positions);
            if (mask.IsEmpty && !positions.MayEnd)
            {
                Refusal = ConstraintErrors.Invalid("No token of this model can continue the text", "the text so far");
            }

            return mask;
        }
        catch (RequestRefusedException refusal)
        {
            Refusal = refusal;
            return null;
        }
    }
}
