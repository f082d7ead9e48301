using LlmPlatform.Inference.Engine.Llama;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// Renders a conversation as ChatML, which most small chat models read. The turn marks are tokens where the vocabulary has them and plain
/// text elsewhere; text of a message never becomes a mark.
/// </summary>
internal static class ChatMl
{
    internal const string TurnStart = "<|im_start|>";
    internal const string TurnEnd = "<|im_end|>";

    internal static IEnumerable<int> Render(Conversation conversation, Vocabulary vocabulary)
    {
        if (vocabulary.Special(TurnStart) is not { } start || vocabulary.Special(TurnEnd) is not { } end)
        {
            return vocabulary.Tokenize(RenderText(conversation));
        }

        var lineEnd = vocabulary.Tokenize("\n");
        return
        [
            .. conversation.Messages.SelectMany(message =>
                (int[])[start, .. vocabulary.Tokenize($"{message.Role}\n{message.Content}"), end, .. lineEnd]),
            start,
            .. vocabulary.Tokenize("assistant\n"),
        ];
    }

    /// <summary>A model without the end mark as a token writes it as text, if it writes it at all.</summary>
    internal static bool EndsTurnsWithText(Vocabulary vocabulary) => vocabulary.Special(TurnEnd) is null;

    internal static string RenderText(Conversation conversation) =>
        string.Concat(conversation.Messages.Select(message => $"{TurnStart}{message.Role}\n{message.Content}{TurnEnd}\n"))
        + $"{TurnStart}assistant\n";
}
