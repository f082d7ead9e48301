using System.Numerics.Tensors;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>Sums over the exponentials of scores, a stretch at a time, so that the numbers in between stay in the first-level cache.</summary>
internal static class Softmax
{
    private const int Stretch = 1024;
    private const float Nothing = -100; // e to this is nothing beside the best token's 1, and unlike -infinity it may be multiplied by 0

    internal static double SumOfExp(ReadOnlySpan<float> scores, float max)
    {
        Span<float> buffer = stackalloc float[Stretch];
        var sum = 0.0;
        for (var rest = scores; rest.Length > 0; rest = rest[Math.Min(Stretch, rest.Length)..])
        {
            var part = buffer[..Math.Min(Stretch, rest.Length)];
            TensorPrimitives.Subtract(rest[..part.Length], max, part);
            TensorPrimitives.Exp(part, part);
            sum += TensorPrimitives.Sum<float>(part);
        }

        return sum;
    }

    /// <summary>The score that a token drawn from this distribution is expected to have.</summary>
    internal static float ExpectedScore(ReadOnlySpan<float> scores, float max)
    {
        Span<float> distances = stackalloc float[Stretch];
        Span<float> weights = stackalloc float[Stretch];
        var (sum, weighted) = (0.0, 0.0);
        for (var rest = scores; rest.Length > 0; rest = rest[Math.Min(Stretch, rest.Length)..])
        {
            var distance = distances[..Math.Min(Stretch, rest.Length)];
            var weight = weights[..distance.Length];
            TensorPrimitives.Subtract(rest[..distance.Length], max, distance);
            TensorPrimitives.Max(distance, Nothing, distance);
            TensorPrimitives.Exp(distance, weight);
            sum += TensorPrimitives.Sum<float>(weight);
            weighted += TensorPrimitives.Dot<float>(weight, distance);
        }

        return max + (float)(weighted / sum);
    }
}
