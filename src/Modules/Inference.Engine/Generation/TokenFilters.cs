using System.Numerics.Tensors;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// Says which tokens may be drawn. They are ranked by score (the lower id first among equals), and top_k, typical_p, top_p and min_p look, in
/// this order, at the model's own distribution over what the ones before have left: llama.cpp's order.
/// </summary>
internal sealed class TokenFilters
{
    // Most of the mass lies within a few e-folds of the best token, so a search starts there and widens for flat distributions only:
    // ranking a whole vocabulary costs milliseconds.
    private const float FirstReach = 4;
    private const float LastReach = 1 << 20;

    private readonly float topP;
    private readonly float minP;
    private readonly float typicalP;
    private readonly int topK;

    internal TokenFilters(Sampling options)
    {
        topP = options.HasTopP ? options.TopP : 1;
        minP = options.HasMinP ? options.MinP : 0;
        typicalP = options.HasTypicalP ? options.TypicalP : 1;
        topK = options.HasTopK && options.TopK > 0 ? (int)Math.Min(options.TopK, int.MaxValue) : int.MaxValue;
        RequestRefusedException.Unless(topP is >= 0 and <= 1, "top_p", "top_p must lie between 0 and 1.");
        RequestRefusedException.Unless(minP is >= 0 and <= 1, "min_p", "min_p must lie between 0 and 1.");
        RequestRefusedException.Unless(typicalP is >= 0 and <= 1, "typical_p", "typical_p must lie between 0 and 1.");
    }

    internal bool TakeAll(int vocabulary) => topK >= vocabulary && topP >= 1 && minP <= 0 && typicalP >= 1;

    /// <summary>The tokens that may be drawn, best first, until the next call on this thread.</summary>
    internal ReadOnlySpan<int> Narrow(ReadOnlySpan<float> logits)
    {
        var scratch = Scratch.OfThisThread(logits.Length);
        var max = TensorPrimitives.Max(logits);
        Span<int> kept;
        var mass = double.PositiveInfinity;
        if (typicalP < 1)
        {
            kept = Typical(logits, max, scratch);
            max = logits[kept[0]];
        }
        else
        {
            kept = Best(logits, max, scratch, out mass);
        }

        if (topP < 1)
        {
            kept = Nucleus(logits, kept, max, double.IsPositiveInfinity(mass) ? topP * MassOf(logits, kept, max) : mass);
        }

        var floor = Floor(max);
        while (kept.Length > 1 && logits[kept[^1]] < floor)
        {
            kept = kept[..^1];
        }

        return kept;
    }

    private float Floor(float max) => minP > 0 ? max + MathF.Log(minP) : float.NegativeInfinity;

    /// <summary>The best k; of a whole vocabulary at least as many as the other filters will leave, with the mass that top_p asks for.</summary>
    private Span<int> Best(ReadOnlySpan<float> logits, float max, Scratch scratch, out double mass)
    {
        var ranked = Math.Min(topK, logits.Length);
        var isWhole = ranked == logits.Length;
        mass = isWhole && topP < 1 ? topP * Softmax.SumOfExp(logits, max) : double.PositiveInfinity;
        // min_p names its threshold. The others have to look for theirs, and top_p measures what is left before min_p cuts.
        var reach = isWhole && topP >= 1 ? max - Floor(max) : FirstReach;
        var count = Ranking.Gather(logits, max - reach, max, null, max, scratch.Ranking, out var gathered);
        while (reach < LastReach && (isWhole ? topP < 1 && gathered < mass : count < ranked))
        {
            reach *= 4;
            var low = reach < LastReach ? max - reach : float.NegativeInfinity;
            count = Ranking.Gather(logits, low, max, null, max, scratch.Ranking, out gathered);
        }

        return Ranking.Sorted(scratch, count)[..Math.Min(count, ranked)];
    }

    /// <summary>Those whose score is closest to the expected one, which is to say: whose surprise is closest to the entropy.</summary>
    private Span<int> Typical(ReadOnlySpan<float> logits, float max, Scratch scratch)
    {
        var kept = topK < logits.Length ? TypicalOf(Best(logits, max, scratch, out _), logits, max, scratch) : TypicalOfAll(logits, max, scratch);
        for (var index = 0; index < kept.Length; index++)
        {
            scratch.Ranking[index] = Ranking.RankOf(logits[kept[index]], kept[index]);
        }

        return Ranking.Sorted(scratch, kept.Length);
    }

    private Span<int> TypicalOf(ReadOnlySpan<int> best, ReadOnlySpan<float> logits, float max, Scratch scratch)
    {
        var scores = scratch.Weights.AsSpan(0, best.Length);
        for (var index = 0; index < best.Length; index++)
        {
            scores[index] = logits[best[index]];
        }

        var center = Softmax.ExpectedScore(scores, max);
        for (var index = 0; index < best.Length; index++)
        {
            scratch.Ranking[index] = Ranking.RankOf(-MathF.Abs(scores[index] - center), best[index]);
        }

        return Nucleus(logits, Ranking.Sorted(scratch, best.Length), max, typicalP * Softmax.SumOfExp(scores, max));
    }

    private Span<int> TypicalOfAll(ReadOnlySpan<float> logits, float max, Scratch scratch)
    {
        var mass = typicalP * Softmax.SumOfExp(logits, max);
        var center = Softmax.ExpectedScore(logits, max);
        var (reach, count, gathered) = (FirstReach / 16, 0, 0.0);
        do
        {
            reach *= 4;
            count = Ranking.Gather(logits, center - reach, center + reach, center, max, scratch.Ranking, out gathered);
        }
        while (reach < LastReach && (gathered < mass || count == 0));
        return Nucleus(logits, Ranking.Sorted(scratch, count), max, mass);
    }

    /// <summary>The first ones that together reach a mass.</summary>
    private static Span<int> Nucleus(ReadOnlySpan<float> logits, Span<int> ranked, float max, double mass)
    {
        var sum = 0.0;
        for (var index = 0; index < ranked.Length; index++)
        {
            sum += MathF.Exp(logits[ranked[index]] - max);
            if (sum >= mass)
            {
                return ranked[..(index + 1)];
            }
        }

        return ranked;
    }

    private static double MassOf(ReadOnlySpan<float> logits, ReadOnlySpan<int> tokens, float max)
    {
        var mass = 0.0;
        foreach (var id in tokens)
        {
            mass += MathF.Exp(logits[id] - max);
        }

        return mass;
    }
}
