using System.Numerics.Tensors;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// Says which tokens may be drawn. They are ranked by score (the lower id first among equals), and top_k, typical_p, top_p and min_p look, in
/// this order, at the model's own distribution over what the ones before have left: llama.cpp's order.
/// </summary>
internal sealed class TokenFilters
{
    // Most of the mass lies within a few e-folds of the best token, so a search starts there and widens for flat distributions only.
    private const float FirstReach = 4;
    private const float FirstDistance = 1;
    private const float Widening = 1.5f;
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

    /// <summary>The tokens that may be drawn, in no order, until the next call on this thread.</summary>
    internal Span<int> Narrow(ReadOnlySpan<float> logits) => Narrow(logits, TensorPrimitives.Max(logits));

    internal Span<int> Narrow(ReadOnlySpan<float> logits, float max)
    {
        var scratch = Scratch.OfThisThread(logits.Length);
        var isWhole = topK >= logits.Length;
        if (isWhole && typicalP >= 1)
        {
            var nucleus = topP < 1
                ? Widen(logits, max, null, int.MaxValue, Part(topP, Softmax.SumOfExp(logits, max)), scratch)
                : Ranking.Gather(logits, FloorOf(max), max, scratch);
            return AboveFloor(logits, nucleus, max);
        }

        Span<int> kept;
        if (isWhole)
        {
            kept = Widen(logits, max, Softmax.ExpectedScore(logits, max), int.MaxValue, Part(typicalP, Softmax.SumOfExp(logits, max)), scratch);
        }
        else
        {
            kept = Widen(logits, max, null, topK, double.PositiveInfinity, scratch);
            kept = typicalP < 1 ? Share(logits, kept, max, ExpectedScore(logits, kept, max, scratch), typicalP, scratch) : kept;
        }

        kept = topP < 1 ? Share(logits, kept, max, null, topP, scratch) : kept;
        return minP > 0 ? AboveFloor(logits, kept, BestOf(logits, kept)) : kept;
    }

    /// <summary>Never nothing: however small the part, somebody has to be drawn.</summary>
    private static double Part(float share, double whole) => Math.Max(share * whole, double.Epsilon);

    private float FloorOf(float max) => minP > 0 ? max + MathF.Log(minP) : float.NegativeInfinity;

    /// <summary>Looks further and further from the best score, or from a center, until there are enough tokens, or they weigh enough.</summary>
    private static Span<int> Widen(ReadOnlySpan<float> logits, float max, float? center, int count, double mass, Scratch scratch)
    {
        var reach = center is null ? FirstReach : FirstDistance;
        while (true)
        {
            var isLast = reach > LastReach;
            var low = isLast ? float.NegativeInfinity : (center ?? max) - reach;
            var found = Ranking.Gather(logits, low, isLast || center is null ? max : center.Value + reach, scratch);
            var weight = Ranking.Weigh(logits, found, max, scratch);
            if (isLast || found.Length >= count || weight >= mass)
            {
                return Ranking.First(logits, found, max, center, count, mass, scratch);
            }

            reach *= Widening;
        }
    }

    /// <summary>The first of some tokens that reach a share of what all of them weigh.</summary>
    private static Span<int> Share(ReadOnlySpan<float> logits, Span<int> ids, float max, float? center, float share, Scratch scratch) =>
        Ranking.First(logits, ids, max, center, int.MaxValue, Part(share, Ranking.Weigh(logits, ids, max, scratch)), scratch);

    private static float ExpectedScore(ReadOnlySpan<float> logits, ReadOnlySpan<int> ids, float max, Scratch scratch)
    {
        var scores = scratch.Weights.AsSpan(0, ids.Length);
        for (var index = 0; index < ids.Length; index++)
        {
            scores[index] = logits[ids[index]];
        }

        return Softmax.ExpectedScore(scores, max);
    }

    private static float BestOf(ReadOnlySpan<float> logits, ReadOnlySpan<int> ids)
    {
        var best = float.NegativeInfinity;
        foreach (var id in ids)
        {
            best = MathF.Max(best, logits[id]);
        }

        return best;
    }

    private Span<int> AboveFloor(ReadOnlySpan<float> logits, Span<int> ids, float max)
    {
        var (floor, kept) = (FloorOf(max), 0);
        foreach (var id in ids)
        {
            ids[kept] = id;
            kept += logits[id] >= floor ? 1 : 0;
        }

        return ids[..kept];
    }
}
