using System.Numerics.Tensors;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// Draws the next token from its scores. Filters look at the model's own distribution; temperature only shapes the draw among what they
/// leave, as llama.cpp and Ollama do it. One instance serves one request, and one seed gives one text.
/// </summary>
internal sealed class Sampler
{
    private const int Stretch = 1024;

    private readonly float temperature;
    private readonly TokenFilters filters;
    private readonly Penalties? penalties;
    private ulong state;

    internal Sampler(Sampling options, Penalties? penalties = null)
    {
        temperature = options.Temperature;
        RequestRefusedException.Unless(float.IsFinite(temperature) && temperature >= 0, "temperature", "temperature must be a number from 0 up.");
        filters = new TokenFilters(options);
        this.penalties = penalties;
        state = options.HasSeed ? options.Seed : (ulong)Random.Shared.NextInt64();
    }

    /// <summary>Chooses a token, which from then on is one of those generated. Leaves the scores as they were.</summary>
    internal int Next(Span<float> logits)
    {
        if (penalties is null)
        {
            return Sample(logits);
        }

        penalties.Apply(logits);
        var token = Sample(logits);
        penalties.Undo(logits);
        penalties.Accept(token);
        return token;
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

        var weights = Scratch.OfThisThread(logits.Length).Weights;
        if (filters.TakeAll(logits.Length))
        {
            logits.CopyTo(weights);
            return Draw(weights.AsSpan(0, logits.Length), max);
        }

        var candidates = filters.Narrow(logits, max);
        for (var index = 0; index < candidates.Length; index++)
        {
            weights[index] = logits[candidates[index]];
        }

        var scores = weights.AsSpan(0, candidates.Length);
        return candidates[Draw(scores, TensorPrimitives.Max<float>(scores))];
    }

    private int Draw(Span<float> scores, float max)
    {
        Span<double> sums = stackalloc double[((scores.Length - 1) / Stretch) + 1];
        var total = 0.0;
        for (var index = 0; index < sums.Length; index++)
        {
            var part = StretchOf(scores, index);
            TensorPrimitives.Subtract(part, max, part);
            TensorPrimitives.Divide(part, temperature, part);
            TensorPrimitives.Exp(part, part);
            sums[index] = TensorPrimitives.Sum<float>(part);
            total += sums[index];
        }

        var left = NextUniform() * total;
        var stretch = 0;
        while (stretch < sums.Length - 1 && left >= sums[stretch])
        {
            left -= sums[stretch++];
        }

        // Rounding may lead past the last weight; whoever is drawn then has one.
        while (stretch > 0 && sums[stretch] <= 0)
        {
            stretch--;
        }

        return (stretch * Stretch) + Find(StretchOf(scores, stretch), left);
    }

    private static Span<float> StretchOf(Span<float> scores, int index) =>
        scores.Slice(index * Stretch, Math.Min(Stretch, scores.Length - (index * Stretch)));

    private static int Find(ReadOnlySpan<float> weights, double left)
    {
        var last = 0;
        for (var index = 0; index < weights.Length; index++)
        {
            if (weights[index] <= 0)
            {
                continue;
            }

            last = index;
            left -= weights[index];
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
}
