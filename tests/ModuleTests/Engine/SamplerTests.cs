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

    // Close together, so that many lie round the border of a filter, and some are ruled out.
    private static readonly Gen<float[]> CloseScores = Gen.OneOf(Gen.Float[-3, 3], Gen.Int[-3, 3].Select(whole => (float)whole), Gen.Const(float.NegativeInfinity))
        .Array[0, 3000].Select(scores => (float[])[0, .. scores]);

    [Theory]
    [InlineData("temperature", -0.1f, 1f, 0f, 1f)]
    [InlineData("temperature", float.NaN, 1f, 0f, 1f)]
    [InlineData("temperature", float.PositiveInfinity, 1f, 0f, 1f)]
    [InlineData("top_p", 1f, 1.1f, 0f, 1f)]
    [InlineData("top_p", 1f, float.NaN, 0f, 1f)]
    [InlineData("min_p", 1f, 1f, -0.5f, 1f)]
    [InlineData("typical_p", 1f, 1f, 0f, -1f)]
    [InlineData("typical_p", 1f, 1f, 0f, float.NaN)]
    public void A_number_out_of_range_is_refused_by_name(string param, float temperature, float topP, float minP, float typicalP)
    {
        var options = new Sampling { Temperature = temperature, TopP = topP, MinP = minP, TypicalP = typicalP };
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
        Gen.Select(Gen.OneOf(Scores, CloseScores), Gen.UInt[0, 80], Gen.Float[0, 1], Gen.Float[0, 1]).Sample((scores, topK, topP, minP) =>
        {
            var narrowed = new TokenFilters(new Sampling { TopK = topK, TopP = topP, MinP = minP }).Narrow(scores).ToArray();
            var ranking = Enumerable.Range(0, scores.Length).OrderByDescending(id => scores[id]).ThenBy(id => id).ToArray();
            Assert.Equal(ranking[..narrowed.Length].Order(), narrowed.Order());

            // At the very edge the order of a sum decides, so both answers are right there.
            var least = Naive(ranking, scores, topK, topP - 1e-5, minP * (1 + 1e-5));
            var most = Naive(ranking, scores, topK, topP + 1e-5, minP * (1 - 1e-5));
            Assert.InRange(narrowed.Length, least, most);
        });

    [Fact]
    public void Typical_tokens_are_those_whose_surprise_is_closest_to_the_entropy() =>
        Gen.Select(Scores, Gen.UInt[0, 80], Gen.Float[0, 0.999f]).Sample((scores, topK, typicalP) =>
        {
            var narrowed = new TokenFilters(new Sampling { TopK = topK, TypicalP = typicalP }).Narrow(scores).ToArray();
            Assert.NotEmpty(narrowed);
            Assert.Distinct(narrowed);
            var kept = Enumerable.Range(0, scores.Length).OrderByDescending(id => scores[id]).ThenBy(id => id).Take(topK == 0 ? scores.Length : (int)topK).ToArray();
            var total = kept.Sum(id => Math.Exp(scores[id]));
            var probability = kept.ToDictionary(id => id, id => Math.Exp(scores[id]) / total);
            var entropy = -kept.Sum(id => probability[id] * Math.Log(probability[id]));
            var distance = kept.ToDictionary(id => id, id => Math.Abs(-Math.Log(probability[id]) - entropy));

            // Nobody outside is closer than anybody inside, they reach the mass, and without the farthest they would not.
            Assert.True(kept.Except(narrowed).All(id => distance[id] >= narrowed.Max(other => distance[other]) - 1e-4));
            Assert.True(narrowed.Sum(id => probability[id]) >= typicalP - 1e-4);
            Assert.True(narrowed.Length == 1 || narrowed.Sum(id => probability[id]) - probability[narrowed.MaxBy(id => distance[id])] < typicalP + 1e-4);
        });

    [Fact]
    public void Filters_after_typical_p_see_only_what_it_has_left() =>
        Gen.Select(Scores, Gen.Float[0, 0.999f], Gen.Float[0, 1], Gen.Float[0, 1]).Sample((scores, typicalP, topP, minP) =>
        {
            var typical = new TokenFilters(new Sampling { TypicalP = typicalP }).Narrow(scores).ToArray();
            var narrowed = new TokenFilters(new Sampling { TypicalP = typicalP, TopP = topP, MinP = minP }).Narrow(scores).ToArray();
            var left = Array.ConvertAll(typical, id => scores[id]);
            var expected = new TokenFilters(new Sampling { TopP = topP, MinP = minP }).Narrow(left).ToArray();
            // The sum of a mass may go the other way at its very edge.
            Assert.InRange(narrowed.Length, expected.Length - 1, expected.Length + 1);
            var ranking = typical.OrderByDescending(id => scores[id]).ThenBy(id => id);
            Assert.Equal(ranking.Take(narrowed.Length).Order(), narrowed.Order());
        });

    [Fact]
    public void A_token_that_the_model_rules_out_is_never_drawn() =>
        Gen.Select(Scores, Gen.Float[0, 1], Gen.Float[0.01f, 5], Gen.ULong).Sample((scores, share, temperature, seed) =>
        {
            float[] withHoles = [.. scores, .. scores.Select(_ => float.NegativeInfinity)];
            foreach (var options in (Sampling[])[new(), new() { TopP = share }, new() { MinP = share }, new() { TypicalP = share }, new() { TopK = 90 }])
            {
                (options.Temperature, options.Seed) = (temperature, seed);
                Assert.InRange(new Sampler(options).Sample(withHoles), 0, scores.Length - 1);
            }
        });

    [Fact]
    public void A_vocabulary_of_many_stretches_is_drawn_from_as_a_whole()
    {
        var scores = new float[5000];
        Array.Fill(scores, -30f);
        (scores[0], scores[2500], scores[4999]) = (1, 1, 1);
        var sampler = new Sampler(new Sampling { Temperature = 1, Seed = 3 });
        var drawn = Enumerable.Range(0, 300).Select(_ => sampler.Sample(scores)).CountBy(id => id).ToDictionary();
        Assert.All((int[])[0, 2500, 4999], id => Assert.InRange(drawn[id], 60, 140));
        Assert.Equal(3, drawn.Count);
    }

    [Fact]
    public async Task Many_threads_draw_what_one_draws()
    {
        var scores = Enumerable.Range(0, 3000).Select(id => id * 37 % 1000 / 100f).ToArray();
        var alone = Enumerable.Range(0, 16).Select(seed => Draw(scores, (ulong)seed)).ToArray();
        var together = await Task.WhenAll(Enumerable.Range(0, 16).Select(seed => Task.Run(() => Draw(scores, (ulong)seed))));
        Assert.Equal(alone, together);
    }

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
