namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>One step of a reply as its reader sees it. Texts never end inside a character and never carry a marker that was understood.</summary>
internal abstract record ReplyPart
{
    private ReplyPart()
    {
    }

    internal sealed record Content(string Text) : ReplyPart;

    internal sealed record Reasoning(string Text) : ReplyPart;

    /// <summary>A call of a known function begins. Indices count up from 0 within a reply.</summary>
    internal sealed record CallStarted(int Index, string Id, string Name) : ReplyPart;

    /// <summary>The fragments of one call add up to a JSON object once the call has ended.</summary>
    internal sealed record CallArguments(int Index, string Fragment) : ReplyPart;

    /// <summary>The call is whole. A call that the model broke off never ends.</summary>
    internal sealed record CallEnded(int Index) : ReplyPart;
}
