using System.Runtime.Intrinsics;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>Which tokens of a vocabulary may come next, a bit each.</summary>
internal sealed class TokenMask(int tokens)
{
    private readonly ulong[] words = new ulong[(tokens + 63) / 64];

    /// <summary>Size in units of 64 bytes.</summary>
    internal int Units => (words.Length / 8) + 1;

    internal bool IsEmpty => !words.AsSpan().ContainsAnyExcept(0UL);

    internal bool this[int token] => (uint)token < (uint)tokens && ((words[token >> 6] >> (token & 63)) & 1) != 0;

    internal void Allow(int token) => words[token >> 6] |= 1UL << (token & 63);

    /// <summary>Sets to minus infinity what may not come.</summary>
    internal void Apply(Span<float> logits)
    {
        var known = Math.Min(logits.Length, tokens);
        logits[known..].Fill(float.NegativeInfinity);
        for (var (word, start) = (0, 0); start < known; word++, start += 64)
        {
            var bits = words[word];
            if (bits != ulong.MaxValue)
            {
                Apply(bits, logits[start..Math.Min(start + 64, known)]);
            }
        }
    }

    private static void Apply(ulong bits, Span<float> logits)
    {
        if (bits == 0)
        {
            logits.Fill(float.NegativeInfinity);
            return;
        }

        var i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            var lanes = Vector256.Create(1, 2, 4, 8, 16, 32, 64, 128);
            for (; i + 8 <= logits.Length; i += 8)
            {
                var allowed = Vector256.Equals(Vector256.Create((int)(bits >> i)) & lanes, lanes).AsSingle();
                var values = Vector256.Create<float>(logits[i..]);
                Vector256.ConditionalSelect(allowed, values, Vector256.Create(float.NegativeInfinity)).CopyTo(logits[i..]);
            }
        }

        for (; i < logits.Length; i++)
        {
            logits[i] = ((bits >> i) & 1) != 0 ? logits[i] : float.NegativeInfinity;
        }
    }
}
