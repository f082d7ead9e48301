namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>One stretch of a call as a family writes it.</summary>
internal abstract record CallPiece
{
    private CallPiece()
    {
    }

    /// <summary>This very text, however it is cut into tokens.</summary>
    internal sealed record Literal(string Text) : CallPiece;

    /// <summary>The special token of this text where the vocabulary has one, else the text.</summary>
    internal sealed record Marker(string Text) : CallPiece;

    /// <summary>The function's name, nothing around it.</summary>
    internal sealed record Name : CallPiece;

    /// <summary>The arguments as one JSON object.</summary>
    internal sealed record Arguments : CallPiece;
}

/// <summary>
/// How a reply that must call something is written: what comes once before the first call, each call, what stands between two calls, what
/// comes after the last. The family's parser reads it back.
/// </summary>
internal sealed record ForcedCall(
    IReadOnlyList<CallPiece> Before,
    IReadOnlyList<CallPiece> Call,
    IReadOnlyList<CallPiece> Separator,
    IReadOnlyList<CallPiece> After,
    bool AllowsParallel);
