using System.Text;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Inference.OpenAi;

/// <summary>Turns log probabilities into the shapes that OpenAI's clients read.</summary>
internal static class LogprobShapes
{
    private const float Impossible = -9999; // OpenAI's value for what JSON has no number for

    private static readonly Encoding Utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static ChatLogprobs? ToChat(IReadOnlyList<TokenLogprob>? tokens) =>
        tokens is null ? null : new ChatLogprobs([.. tokens.Select(token => Entry(token, [.. token.Top.Select(other => Entry(other, null))]))]);

    /// <param name="tokens">The tokens.</param>
    /// <param name="offset">The characters of the reply's text before the first of them; afterwards, before the token that comes next.</param>
    public static CompletionLogprobs? ToCompletion(IReadOnlyList<TokenLogprob>? tokens, ref int offset)
    {
        if (tokens is null)
        {
            return null;
        }

        var offsets = new List<int>(tokens.Count);
        foreach (var token in tokens)
        {
            offsets.Add(offset);
            offset += Beginnings(token.Bytes.Span);
        }

        return new CompletionLogprobs(
            [.. tokens.Select(token => Text(token.Bytes.Span))],
            [.. tokens.Select(token => Number(token.Logprob))],
            [.. tokens.Select(Alternatives)],
            offsets);
    }

    private static ChatLogprob Entry(TokenLogprob token, IReadOnlyList<ChatLogprob>? top) =>
        new(Text(token.Bytes.Span), Number(token.Logprob), [.. token.Bytes.Span], top);

    /// <summary>The chosen token is among them, as with OpenAI. Of two with one text the likelier one counts.</summary>
    private static Dictionary<string, float> Alternatives(TokenLogprob token)
    {
        var alternatives = new Dictionary<string, float>();
        foreach (var other in token.Top.Append(token))
        {
            alternatives.TryAdd(Text(other.Bytes.Span), Number(other.Logprob));
        }

        return alternatives;
    }

    private static float Number(float logprob) => Math.Max(logprob, Impossible);

    /// <summary>Characters that begin in these bytes: a part of one counts where it begins.</summary>
    private static int Beginnings(ReadOnlySpan<byte> bytes)
    {
        var count = 0;
        foreach (var value in bytes)
        {
            count += (value & 0xC0) == 0x80 ? 0 : 1;
        }

        return count;
    }

    /// <summary>A part of a character is written as <c>bytes:\xe2\x80</c>, as OpenAI does, since no text holds it.</summary>
    private static string Text(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            var text = new StringBuilder("bytes:");
            foreach (var value in bytes)
            {
                text.Append("\\x").Append(Convert.ToHexStringLower([value]));
            }

            return text.ToString();
        }
    }
}
