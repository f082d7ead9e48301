using System.Numerics;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>Tokens as numbers that sort by how much they are wanted, the lower id first among equals.</summary>
internal static class Ranking
{
    /// <summary>Floats compare like their bits once negative ones are turned round; complemented, the highest score comes first.</summary>
    internal static ulong RankOf(float score, int id)
    {
        var bits = BitConverter.SingleToUInt32Bits(score + 0f);
        var rising = (bits & 0x8000_0000) == 0 ? bits | 0x8000_0000 : ~bits;
        return ((ulong)~rising << 32) | (uint)id;
    }

    internal static int IdOf(ulong rank) => (int)(uint)rank;

    /// <summary>
    /// Collects the tokens that score between two numbers, ranked by score or, with a center, by how close they are to it. The mass is that
    /// of their exponentials relative to the best score.
    /// </summary>
    internal static int Gather(ReadOnlySpan<float> logits, float low, float high, float? center, float max, Span<ulong> ranking, out double mass)
    {
        var count = 0;
        mass = 0;
        var width = Vector<float>.Count;
        for (var start = 0; start < logits.Length; start += width)
        {
            var block = logits.Slice(start, Math.Min(width, logits.Length - start));
            if (block.Length == width && !AnyBetween(new Vector<float>(block), low, high))
            {
                continue;
            }

            for (var index = 0; index < block.Length; index++)
            {
                var score = block[index];
                if (score >= low && score <= high)
                {
                    mass += MathF.Exp(score - max);
                    ranking[count++] = RankOf(center is { } middle ? -MathF.Abs(score - middle) : score, start + index);
                }
            }
        }

        return count;
    }

    /// <summary>Sorts ranks and gives their tokens.</summary>
    internal static Span<int> Sorted(Scratch scratch, int count)
    {
        var ranking = scratch.Ranking.AsSpan(0, count);
        ranking.Sort();
        var ids = scratch.Ids.AsSpan(0, count);
        for (var index = 0; index < count; index++)
        {
            ids[index] = IdOf(ranking[index]);
        }

        return ids;
    }

    private static bool AnyBetween(Vector<float> block, float low, float high) =>
        Vector.BitwiseAnd(Vector.GreaterThanOrEqual(block, new Vector<float>(low)), Vector.LessThanOrEqual(block, new Vector<float>(high))) != Vector<int>.Zero;
}
