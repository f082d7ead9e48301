using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Engine.Protocol;
using TokenLogprob = LlmPlatform.Inference.Contracts.TokenLogprob;
using WireLogprob = LlmPlatform.Inference.Engine.Protocol.TokenLogprob;

namespace LlmPlatform.Inference.Generation;

/// <summary>What callers say about sampling, in the engine's words and back.</summary>
internal static class SamplingWire
{
    private const int MostBiases = 1024;
    private const int MostAlternatives = 20;

    public static Sampling ToWire(this SamplingOptions options)
    {
        Check(options);
        var wire = new Sampling { Temperature = options.Temperature ?? 1, MinTokens = (uint)options.MinTokens, IgnoreEos = options.IgnoreEos };
        Set(options.TopP, value => wire.TopP = value);
        Set(options.TopK, value => wire.TopK = (uint)value);
        Set(options.MinP, value => wire.MinP = value);
        Set(options.TypicalP, value => wire.TypicalP = value);
        Set(options.RepeatPenalty, value => wire.RepeatPenalty = value);
        Set(options.RepeatLastN, value => wire.RepeatLastN = (uint)value);
        Set(options.PresencePenalty, value => wire.PresencePenalty = value);
        Set(options.FrequencyPenalty, value => wire.FrequencyPenalty = value);
        Set(options.TopLogprobs, value => wire.TopLogprobs = (uint)value);
        Set(options.Seed, value => wire.Seed = unchecked((ulong)(value + options.Choice)));
        foreach (var (token, bias) in options.LogitBias ?? new Dictionary<int, float>())
        {
            wire.LogitBias.Add(token, bias);
        }

        return wire;
    }

    public static IReadOnlyList<TokenLogprob> ToContract(IEnumerable<WireLogprob> tokens) =>
        [.. tokens.Select(token => new TokenLogprob(token.Token, token.Piece.Memory, token.Logprob, ToContract(token.Top)))];

    public static void Check(bool isFine, string param, string sentence)
    {
        if (!isFine)
        {
            throw new GenerationException(400, "param.range", sentence, param);
        }
    }

    private static void Check(SamplingOptions options)
    {
        Check(options.Temperature is null or (>= 0 and <= 2), "temperature", "temperature is a number from 0 to 2.");
        Check(options.TopP is null or (> 0 and <= 1), "top_p", "top_p is a number above 0 and up to 1.");
        Check(options.MinP is null or (>= 0 and <= 1), "min_p", "min_p is a number from 0 to 1.");
        Check(options.TypicalP is null or (> 0 and <= 1), "typical_p", "typical_p is a number above 0 and up to 1.");
        Check(options.TopK is null or >= 0, "top_k", "top_k is a whole number from 0 on.");
        Check(options.RepeatPenalty is null or (>= 0.01f and <= 10), "repeat_penalty", "repeat_penalty is a number from 0.01 to 10.");
        Check(options.RepeatLastN is null or >= 0, "repeat_last_n", "repeat_last_n is a whole number from 0 on.");
        Check(options.PresencePenalty is null or (>= -2 and <= 2), "presence_penalty", "presence_penalty is a number from -2 to 2.");
        Check(options.FrequencyPenalty is null or (>= -2 and <= 2), "frequency_penalty", "frequency_penalty is a number from -2 to 2.");
        Check(options.TopLogprobs is null or (>= 0 and <= MostAlternatives), "top_logprobs", $"top_logprobs is a whole number from 0 to {MostAlternatives}.");
        Check(options.MinTokens >= 0, "min_tokens", "min_tokens is a whole number from 0 on.");
        Check(options.LogitBias is null or { Count: <= MostBiases }, "logit_bias", $"logit_bias names at most {MostBiases} tokens.");
        Check(options.LogitBias is null || options.LogitBias.All(bias => bias.Key >= 0 && bias.Value is >= -100 and <= 100),
            "logit_bias", "logit_bias gives token ids numbers from -100 to 100.");
    }

    private static void Set<T>(T? value, Action<T> set)
        where T : struct
    {
        if (value is { } given)
        {
            set(given);
        }
    }
}
