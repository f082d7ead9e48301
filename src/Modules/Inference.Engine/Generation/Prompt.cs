using System.Text;
using LlmPlatform.Inference.Engine.Llama;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>Turns what a request asks for into tokens, and refuses what cannot fit before time is spent on it.</summary>
internal static class Prompt
{
    private const int MostBytes = 8 << 20;

    internal static List<int> Tokenize(Submit request, Vocabulary vocabulary, int contextTokens)
    {
        // No text of more bytes than this can have few enough tokens, whatever its words are.
        var roomBytes = Math.Min(MostBytes, (long)contextTokens * vocabulary.LongestPiece);
        var bytes = request.InputCase == Submit.InputOneofCase.Conversation
            ? request.Conversation.Messages.Sum(message => (long)Encoding.UTF8.GetByteCount(message.Content))
            : Encoding.UTF8.GetByteCount(request.Text);
        if (bytes > roomBytes)
        {
            throw new RequestRefusedException(
                "context_length_exceeded",
                $"The prompt has {bytes} bytes of text; the context of {contextTokens} tokens holds at most {roomBytes}.");
        }

        var tokens = new List<int>();
        if (vocabulary is { StartsWithBeginOfText: true, BeginOfText: { } begin })
        {
            tokens.Add(begin);
        }

        tokens.AddRange(request.InputCase == Submit.InputOneofCase.Conversation
            ? ChatMl.Render(request.Conversation, vocabulary)
            : vocabulary.Tokenize(request.Text));
        if (tokens.Count == 0)
        {
            tokens.Add(vocabulary.BeginOfText
                ?? throw new RequestRefusedException("param.range", "The prompt is empty and this model has no token to begin with.", "prompt"));
        }

        return tokens.Count < contextTokens
            ? tokens
            : throw new RequestRefusedException(
                "context_length_exceeded",
                $"The prompt has {tokens.Count} tokens; the context holds {contextTokens}, and at least one is needed for the answer.");
    }
}
