namespace LlmPlatform.Inference.Engine.Templates;

/// <summary>What a vocabulary has that templates write.</summary>
/// <param name="Bos">Text of the token with which a text begins, or null.</param>
/// <param name="Eos">Text of the token with which it ends, or null.</param>
/// <param name="Controls">Texts of all control tokens.</param>
/// <param name="Added">Texts of tokens that were added and are found in ordinary text too.</param>
internal sealed record TemplateTokens(string? Bos, string? Eos, IReadOnlyCollection<string> Controls, IReadOnlyCollection<string> Added);

/// <summary>A message. Its role and the names of functions are trusted; all other text is somebody's.</summary>
internal sealed record ChatTurn(
    string Role, string Content, string? Reasoning, IReadOnlyList<ChatToolCall> ToolCalls, string? ToolCallId, string? Name);

/// <param name="Id">Its id.</param>
/// <param name="Name">The function.</param>
/// <param name="Arguments">JSON.</param>
internal sealed record ChatToolCall(string Id, string Name, string Arguments);

/// <summary>A conversation in which the assistant is to speak next.</summary>
/// <param name="Turns">The conversation.</param>
/// <param name="Tools">The functions, as in OpenAI's API: a JSON array; null for none.</param>
/// <param name="Arguments">More values that the template may read: a JSON object; null for none.</param>
internal sealed record ChatPrompt(IReadOnlyList<ChatTurn> Turns, string? Tools = null, string? Arguments = null);

/// <summary>A prompt as text.</summary>
/// <param name="Text">All of it.</param>
/// <param name="Cuts">Where somebody's text spells a mark: tokenised in one piece across such a place, it would become one. Rising.</param>
internal sealed record RenderedPrompt(string Text, IReadOnlyList<int> Cuts);

/// <summary>What a template can do, as tried out when it was loaded.</summary>
/// <param name="System">It shows a system prompt.</param>
/// <param name="Tools">It shows functions.</param>
/// <param name="ParallelToolCalls">It shows several calls in one message.</param>
/// <param name="TypedContent">It wants content as a list of parts.</param>
/// <param name="ThinkingSwitch">The value that turns thinking on and off, or null.</param>
internal sealed record TemplateCapabilities(bool System, bool Tools, bool ParallelToolCalls, bool TypedContent, string? ThinkingSwitch)
{
    /// <summary>It wants arguments of calls as text, and not as the object that they are.</summary>
    internal bool ArgumentsAsText { get; init; }

    /// <summary>It refuses ids of calls that are not nine letters and digits (Mistral).</summary>
    internal bool ShortCallIds { get; init; }
}
