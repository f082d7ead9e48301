using System.Numerics;
using System.Numerics.Tensors;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>Finds the tokens that come first in an order without sorting all of them; of equals the lower id comes first.</summary>
internal static class Ranking
{
    private const int Buckets = 1024;

    /// <summary>A number that sorts like the score, the highest first, and then like the id.</summary>
    internal static ulong RankOf(float score, int id)
    {
        // Floats compare like their bits once negative ones are turned round; complemented, the highest score comes first.
        var bits = BitConverter.SingleToUInt32Bits(score + 0f);
        var rising = (bits & 0x8000_0000) == 0 ? bits | 0x8000_0000 : ~bits;
        return ((ulong)~rising << 32) | (uint)id;
    }

    internal static int IdOf(ulong rank) => (int)(uint)rank;

    /// <summary>Collects the tokens that score between two numbers.</summary>
    internal static Span<int> Gather(ReadOnlySpan<float> logits, float low, float high, Scratch scratch)
    {
        var ids = scratch.Ids;
        var count = 0;
        var width = Vector<float>.Count;
        var (lows, highs) = (new Vector<float>(low), new Vector<float>(high));
        for (var start = 0; start < logits.Length; start += width)
        {
            var block = logits.Slice(start, Math.Min(width, logits.Length - start));
            if (block.Length == width && !AnyBetween(new Vector<float>(block), lows, highs))
            {
                continue;
            }

            for (var index = 0; index < block.Length; index++)
            {
                ids[count] = start + index; // written over by the next one unless it counts: no branch to mispredict
                count += block[index] >= low & block[index] <= high ? 1 : 0;
            }
        }

        return ids.AsSpan(0, count);
    }

    /// <summary>Writes the tokens' weights, which are their probabilities in any one unit, and gives the sum.</summary>
    internal static double Weigh(ReadOnlySpan<float> logits, ReadOnlySpan<int> ids, float max, Scratch scratch)
    {
        var weights = scratch.Weights.AsSpan(0, ids.Length);
        for (var index = 0; index < ids.Length; index++)
        {
            weights[index] = logits[ids[index]];
        }

        TensorPrimitives.Subtract(weights, max, weights);
        TensorPrimitives.Exp(weights, weights);
        var sum = 0.0;
        for (var rest = (ReadOnlySpan<float>)weights; rest.Length > 0; rest = rest[Math.Min(Buckets, rest.Length)..])
        {
            sum += TensorPrimitives.Sum(rest[..Math.Min(Buckets, rest.Length)]);
        }

        return sum;
    }

    /// <summary>
    /// Keeps, of weighed tokens, the first ones that are so many or weigh so much, whichever comes first; without a center the first is the one
    /// that scores best, with one the one that scores closest to it. Only those round the border are sorted, and the result is in no order.
    /// </summary>
    internal static Span<int> First(ReadOnlySpan<float> logits, Span<int> ids, float max, float? center, int count, double mass, Scratch scratch)
    {
        Span<int> counts = stackalloc int[Buckets];
        Span<double> masses = stackalloc double[Buckets];
        counts.Clear();
        masses.Clear();
        var middle = center ?? max;
        var reach = 1e-6f;
        foreach (var id in ids)
        {
            var distance = MathF.Abs(logits[id] - middle);
            reach = distance > reach && float.IsFinite(distance) ? distance : reach;
        }

        var scale = Buckets / reach;
        for (var index = 0; index < ids.Length; index++)
        {
            var bucket = BucketOf(logits[ids[index]], middle, scale);
            counts[bucket]++;
            masses[bucket] += scratch.Weights[index];
        }

        var border = 0;
        while (border < Buckets && counts[border] < count && masses[border] < mass)
        {
            count -= counts[border];
            mass -= masses[border++];
        }

        return border == Buckets ? ids : Split(logits, ids, max, center, border, scale, count, mass, scratch);
    }

    private static Span<int> Split(
        ReadOnlySpan<float> logits, Span<int> ids, float max, float? center, int border, float scale, int count, double mass, Scratch scratch)
    {
        var (kept, open) = (0, 0);
        foreach (var id in ids)
        {
            var bucket = BucketOf(logits[id], center ?? max, scale);
            if (bucket < border)
            {
                ids[kept++] = id;
            }
            else if (bucket == border)
            {
                scratch.Ranking[open++] = RankOf(center is { } middle ? -MathF.Abs(logits[id] - middle) : logits[id], id);
            }
        }

        var ranking = scratch.Ranking.AsSpan(0, open);
        ranking.Sort();
        foreach (var rank in ranking)
        {
            ids[kept++] = IdOf(rank);
            mass -= MathF.Exp(logits[IdOf(rank)] - max);
            if (--count <= 0 || mass <= 0)
            {
                break;
            }
        }

        return ids[..kept];
    }

    private static int BucketOf(float score, float middle, float scale) => (int)Math.Min(MathF.Abs(score - middle) * scale, Buckets - 1);

    private static bool AnyBetween(Vector<float> block, Vector<float> low, Vector<float> high) =>
        (Vector.GreaterThanOrEqual(block, low) & Vector.LessThanOrEqual(block, high)) != Vector<int>.Zero;
}
