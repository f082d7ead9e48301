using System.Text;
using LlmPlatform.Inference.Engine.Llama;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>A prompt in tokens.</summary>
/// <param name="Tokens">The tokens.</param>
/// <param name="EndsInReasoning">The reply begins inside a thought.</param>
/// <param name="DroppedMessages">Messages of the conversation that had no room.</param>
internal sealed record PromptTokens(List<int> Tokens, bool EndsInReasoning = false, int DroppedMessages = 0);

/// <summary>Turns what a request asks for into tokens, and refuses what cannot fit before time is spent on it.</summary>
/// <param name="vocabulary">The model's.</param>
/// <param name="language">How it is spoken to; null where only a text is continued.</param>
/// <param name="contextTokens">What one sequence may hold.</param>
internal sealed class Prompt(Vocabulary vocabulary, ChatLanguage? language, int contextTokens)
{
    private const int MostBytes = 8 << 20;

    // Where turns are dropped, so much of the context is left for the answer at least, unless it asks for less.
    private const int AnswerShare = 4;

    // No text of more bytes than this can have few enough tokens, whatever its words are.
    private readonly long roomBytes = Math.Min(MostBytes, (long)contextTokens * vocabulary.LongestPiece);

    internal PromptTokens Tokenize(Submit request)
    {
        var prompt = request.Conversation is { } conversation ? OfConversation(request, conversation) : OfText(request.Text);
        if (prompt.Tokens.Count == 0)
        {
            prompt.Tokens.Add(vocabulary.BeginOfText
                ?? throw new RequestRefusedException("param.range", "The prompt is empty and this model has no token to begin with.", "prompt"));
        }

        return prompt.Tokens.Count < contextTokens || request.TokenizeOnly
            ? prompt
            : throw new RequestRefusedException(
                "context_length_exceeded",
                $"The prompt has {prompt.Tokens.Count} tokens; the context holds {contextTokens}, and at least one is needed for the answer.");
    }

    private PromptTokens OfText(string text)
    {
        Check(Bytes(text));
        int[] begin = vocabulary is { StartsWithBeginOfText: true, BeginOfText: { } token } ? [token] : [];
        return new PromptTokens([.. begin, .. vocabulary.Tokenize(text)]);
    }

    private PromptTokens OfConversation(Submit request, Conversation conversation)
    {
        if (!conversation.DropsOldestTurns)
        {
            Check(conversation.Messages.Sum(Bytes));
            return Render(conversation, conversation.Messages);
        }

        var room = contextTokens - (int)Math.Min(request.HasMaxTokens ? request.MaxTokens : uint.MaxValue, (uint)(contextTokens / AnswerShare));
        var choices = OldestTurns.Droppable(conversation.Messages);
        // The fewest turns are dropped that suffice: what is left grows shorter with each, so halving finds it.
        var (low, high) = (0, choices.Count - 1);
        PromptTokens? best = null;
        while (low <= high)
        {
            var middle = best is null && low == 0 ? 0 : (low + high) / 2; // usually everything fits
            if (TryRender(conversation, choices[middle], room) is { } fits)
            {
                (best, high) = (fits, middle - 1);
            }
            else
            {
                low = middle + 1;
            }
        }

        return best ?? throw new RequestRefusedException(
            "context_length_exceeded", $"The last turn alone, with the system prompt, does not fit into the context of {contextTokens} tokens.");
    }

    private PromptTokens? TryRender(Conversation conversation, IReadOnlyList<Message> messages, int room)
    {
        if (messages.Sum(Bytes) > roomBytes)
        {
            return null;
        }

        var prompt = Render(conversation, messages);
        return prompt.Tokens.Count <= room ? prompt with { DroppedMessages = conversation.Messages.Count - messages.Count } : null;
    }

    private PromptTokens Render(Conversation conversation, IReadOnlyList<Message> messages)
    {
        var (tokens, endsInReasoning) = language!.Render(conversation, messages);
        return new PromptTokens(tokens, endsInReasoning);
    }

    private void Check(long bytes)
    {
        if (bytes > roomBytes)
        {
            throw new RequestRefusedException(
                "context_length_exceeded",
                $"The prompt has {bytes} bytes of text; the context of {contextTokens} tokens holds at most {roomBytes}.");
        }
    }

    private static long Bytes(Message message) => Bytes(message.Content) + Bytes(message.Reasoning) + message.ToolCalls.Sum(call => Bytes(call.Arguments));

    private static long Bytes(string text) => Encoding.UTF8.GetByteCount(text);
}
