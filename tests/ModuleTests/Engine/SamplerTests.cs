extern alias engine;

using CsCheck;
using engine::LlmPlatform.Inference.Engine.Generation;
using engine::LlmPlatform.Inference.Engine.Protocol;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine;

public sealed class SamplerTests
{
    // Quarters make equal scores common; the sizes lie around the width of a vector.
    private static readonly Gen<float[]> Scores = Gen.Int[-80, 40].Select(quarters => quarters / 4f).Array[1, 70];

    [Theory]
    [InlineData("temperature", -0.1f, 1f, 0f)]
    [InlineData("temperature", float.NaN, 1f, 0f)]
    [InlineData("temperature", float.PositiveInfinity, 1f, 0f)]
    [InlineData("top_p", 1f, 1.1f, 0f)]
    [InlineData("top_p", 1f, float.NaN, 0f)]
    [InlineData("min_p", 1f, 1f, -0.5f)]
    public void A_number_out_of_range_is_refused_by_name(string param, float temperature, float topP, float minP)
    {
        var options = new Sampling { Temperature = temperature, TopP = topP, MinP = minP };
        var refusal = Assert.Throws<RequestRefusedException>(() => new Sampler(options));
        Assert.Equal(("param.range", param), (refusal.Code, refusal.Param));
    }

    [Fact]
    public void Scores_that_are_no_numbers_fail_the_request()
    {
        Assert.Throws<RequestRefusedException>(() => new Sampler(new Sampling()).Sample([1, float.NaN, 3]));
        Assert.Throws<RequestRefusedException>(() => new Sampler(new Sampling()).Sample([float.NegativeInfinity, float.NegativeInfinity]));
    }

    [Fact]
    public void Greedy_takes_the_best_and_of_equals_the_first() =>
        Scores.Sample(scores => Assert.Equal(Array.IndexOf(scores, scores.Max()), new Sampler(new Sampling()).Sample(scores)));

    [Fact]
    public void A_seed_gives_the_same_tokens_again() =>
        Gen.Select(Scores, Gen.ULong).Sample((scores, seed) => Assert.Equal(Draw(scores, seed), Draw(scores, seed)));

    [Fact]
    public void Another_seed_gives_other_tokens() => Assert.NotEqual(Draw(new float[50], 1), Draw(new float[50], 2));

    [Fact]
    public void A_token_is_drawn_as_often_as_its_probability_says()
    {
        float[] probabilities = [0.5f, 0.3f, 0.15f, 0.05f];
        var sampler = new Sampler(new Sampling { Temperature = 1, Seed = 7 });
        var scores = Array.ConvertAll(probabilities, MathF.Log);
        var counts = new int[4];
        for (var turn = 0; turn < 20_000; turn++)
        {
            counts[sampler.Sample(scores)]++;
        }

        Assert.All(counts.Zip(probabilities), pair => Assert.Equal(pair.Second, pair.First / 20_000.0, tolerance: 0.02));
    }

    [Fact]
    public void What_may_be_drawn_is_what_a_plain_ranking_leaves() =>
        Gen.Select(Scores, Gen.UInt[0, 80], Gen.Float[0, 1], Gen.Float[0, 1]).Sample((scores, topK, topP, minP) =>
        {
            var sampler = new Sampler(new Sampling { Temperature = 1, TopK = topK, TopP = topP, MinP = minP });
            var narrowed = sampler.Narrow(scores).ToArray();
            var ranking = Enumerable.Range(0, scores.Length).OrderByDescending(id => scores[id]).ThenBy(id => id).ToArray();
            Assert.Equal(ranking[..narrowed.Length], narrowed);

            // At the very edge the order of a sum decides, so both answers are right there.
            var least = Naive(ranking, scores, topK, topP - 1e-5, minP * (1 + 1e-5));
            var most = Naive(ranking, scores, topK, topP + 1e-5, minP * (1 - 1e-5));
            Assert.InRange(narrowed.Length, least, most);
        });

    private static int Naive(int[] ranking, float[] scores, uint topK, double topP, double minP)
    {
        var kept = ranking.Take(topK == 0 ? scores.Length : (int)topK).Select(id => Math.Exp((double)scores[id] - scores[ranking[0]])).ToArray();
        var (total, sum, count) = (kept.Sum(), 0.0, 0);
        while (count < kept.Length && (count == 0 || sum < topP * total) && kept[count] >= minP)
        {
            sum += kept[count++];
        }

        return Math.Max(count, 1);
    }

    private static int[] Draw(float[] scores, ulong seed)
    {
        var sampler = new Sampler(new Sampling { Temperature = 1.5f, TopP = 0.95f, Seed = seed });
        return [.. Enumerable.Range(0, 20).Select(_ => sampler.Sample(scores))];
    }
}
