using System.Numerics;
using System.Numerics.Tensors;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// Draws the next token from its scores. Tokens are ranked by score (the lower id first among equals), and top_k, top_p and min_p each keep
/// a prefix of that ranking, so the shortest prefix decides. They look at the model's own distribution; temperature only shapes the draw
/// among what is left, as llama.cpp and Ollama do it. One instance serves one request, and one seed gives one text.
/// </summary>
internal sealed class Sampler
{
    // Most of the mass lies within a few e-folds of the best token, so a search starts there and widens for flat distributions only:
    // ranking a whole vocabulary costs milliseconds.
    private const float FirstReach = 4;
    private const float LastReach = 1 << 20;

    private readonly float temperature;
    private readonly float topP;
    private readonly float minP;
    private readonly int topK;
    private ulong state;
    private ulong[] ranking = [];
    private int[] ids = [];
    private float[] weights = [];

    internal Sampler(Sampling options)
    {
        temperature = options.Temperature;
        topP = options.HasTopP ? options.TopP : 1;
        minP = options.HasMinP ? options.MinP : 0;
        topK = options.HasTopK && options.TopK > 0 ? (int)Math.Min(options.TopK, int.MaxValue) : int.MaxValue;
        Require(float.IsFinite(temperature) && temperature >= 0, "temperature", "temperature must be a number from 0 up.");
        Require(topP is >= 0 and <= 1, "top_p", "top_p must lie between 0 and 1.");
        Require(minP is >= 0 and <= 1, "min_p", "min_p must lie between 0 and 1.");
        state = options.HasSeed ? options.Seed : (ulong)Random.Shared.NextInt64();
    }

    internal int Sample(ReadOnlySpan<float> logits)
    {
        var best = TensorPrimitives.IndexOfMax(logits);
        var max = logits[best];
        if (!float.IsFinite(max))
        {
            throw new RequestRefusedException("engine.decode_failed", "The model's scores are not numbers.");
        }

        if (temperature == 0)
        {
            return best;
        }

        Reserve(logits.Length);
        if (topK >= logits.Length && topP >= 1 && minP <= 0)
        {
            logits.CopyTo(weights);
            return Draw(weights.AsSpan(0, logits.Length), max);
        }

        var candidates = Narrow(logits);
        for (var index = 0; index < candidates.Length; index++)
        {
            weights[index] = logits[candidates[index]];
        }

        return candidates[Draw(weights.AsSpan(0, candidates.Length), max)];
    }

    /// <summary>The tokens that may be drawn, best first.</summary>
    internal ReadOnlySpan<int> Narrow(ReadOnlySpan<float> logits)
    {
        Reserve(logits.Length);
        var max = TensorPrimitives.Max(logits);
        var floor = minP > 0 ? max + MathF.Log(minP) : float.NegativeInfinity;
        var ranked = Math.Min(topK, logits.Length);
        var mass = ranked == logits.Length && topP < 1 ? topP * Mass(logits, max) : double.PositiveInfinity;
        // min_p names its threshold. The others have to look for theirs, and top_p measures what is left before min_p cuts.
        var reach = ranked == logits.Length && topP >= 1 ? max - floor : FirstReach;
        var count = Gather(logits, max - reach, max, out var gathered);
        while (reach < LastReach && (ranked < logits.Length ? count < ranked : topP < 1 && gathered < mass))
        {
            reach *= 4;
            count = Gather(logits, reach < LastReach ? max - reach : float.NegativeInfinity, max, out gathered);
        }

        ranking.AsSpan(0, count).Sort();
        count = Math.Min(count, ranked);
        for (var index = 0; index < count; index++)
        {
            ids[index] = (int)(uint)ranking[index];
        }

        count = topP < 1 ? Nucleus(logits, ids.AsSpan(0, count), max, mass) : count;
        while (count > 1 && logits[ids[count - 1]] < floor)
        {
            count--;
        }

        return ids.AsSpan(0, count);
    }

    private static void Require(bool isValid, string param, string message)
    {
        if (!isValid)
        {
            throw new RequestRefusedException("param.range", message, param);
        }
    }

    /// <summary>How many of the best reach the mass of top_p: of the whole vocabulary, or of what top_k has left.</summary>
    private int Nucleus(ReadOnlySpan<float> logits, ReadOnlySpan<int> best, float max, double mass)
    {
        if (double.IsPositiveInfinity(mass))
        {
            var total = 0.0;
            foreach (var id in best)
            {
                total += MathF.Exp(logits[id] - max);
            }

            mass = topP * total;
        }

        var sum = 0.0;
        for (var index = 0; index < best.Length; index++)
        {
            sum += MathF.Exp(logits[best[index]] - max);
            if (sum >= mass)
            {
                return index + 1;
            }
        }

        return best.Length;
    }

    /// <summary>Collects what scores at least the threshold, as numbers that sort best first.</summary>
    private int Gather(ReadOnlySpan<float> logits, float threshold, float max, out double mass)
    {
        var count = 0;
        mass = 0;
        var width = Vector<float>.Count;
        for (var start = 0; start < logits.Length; start += width)
        {
            var block = logits.Slice(start, Math.Min(width, logits.Length - start));
            if (block.Length == width && !Vector.GreaterThanOrEqualAny(new Vector<float>(block), new Vector<float>(threshold)))
            {
                continue;
            }

            for (var index = 0; index < block.Length; index++)
            {
                if (block[index] >= threshold)
                {
                    mass += MathF.Exp(block[index] - max);
                    ranking[count++] = RankOf(block[index], start + index);
                }
            }
        }

        return count;
    }

    /// <summary>Floats compare like their bits once negative ones are turned round; complemented, the highest score comes first.</summary>
    private static ulong RankOf(float score, int id)
    {
        var bits = BitConverter.SingleToUInt32Bits(score + 0f);
        var rising = (bits & 0x8000_0000) == 0 ? bits | 0x8000_0000 : ~bits;
        return ((ulong)~rising << 32) | (uint)id;
    }

    private double Mass(ReadOnlySpan<float> logits, float max)
    {
        var target = weights.AsSpan(0, logits.Length);
        TensorPrimitives.Subtract(logits, max, target);
        TensorPrimitives.Exp(target, target);
        return TensorPrimitives.Sum<float>(target);
    }

    private int Draw(Span<float> scores, float max)
    {
        TensorPrimitives.Subtract(scores, max, scores);
        TensorPrimitives.Divide(scores, temperature, scores);
        TensorPrimitives.Exp(scores, scores);
        var left = NextUniform() * TensorPrimitives.Sum<float>(scores);
        var last = 0;
        for (var index = 0; index < scores.Length; index++)
        {
            if (scores[index] <= 0)
            {
                continue;
            }

            last = index;
            left -= scores[index];
            if (left < 0)
            {
                break;
            }
        }

        return last;
    }

    /// <summary>SplitMix64, because a seed has to give the same text under every version of .NET.</summary>
    private double NextUniform()
    {
        state += 0x9E3779B97F4A7C15;
        var mixed = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return ((mixed ^ (mixed >> 31)) >> 11) * (1.0 / (1UL << 53));
    }

    private void Reserve(int size)
    {
        if (weights.Length < size)
        {
            (weights, ids, ranking) = (new float[size], new int[size], new ulong[size]);
        }
    }
}
