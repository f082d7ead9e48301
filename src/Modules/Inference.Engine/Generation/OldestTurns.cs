using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// What a conversation can lose so that it fits into a context. A turn is what begins with a message of the user: whole turns go, the oldest
/// first, so no result stays without its call and no answer without its question. System prompts and the last turn always stay.
/// </summary>
internal static class OldestTurns
{
    /// <summary>The conversation without its first 0, 1, 2, ... turns.</summary>
    internal static IReadOnlyList<IReadOnlyList<Message>> Droppable(IReadOnlyList<Message> messages)
    {
        var starts = Enumerable.Range(0, messages.Count).Where(index => messages[index].Role == "user").ToList();
        return [messages, .. starts.Skip(1).Select(start => From(messages, start))];
    }

    private static IReadOnlyList<Message> From(IReadOnlyList<Message> messages, int start) =>
        [.. messages.Where((message, index) => index >= start || message.Role == "system")];
}
