extern alias engine;

using CsCheck;
using engine::LlmPlatform.Inference.Engine.Generation;
using engine::LlmPlatform.Inference.Engine.Protocol;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine;

public sealed class PenaltiesTests
{
    private const int Vocabulary = 12;
    private static readonly int[] EndMarks = [2, 3];
    private static readonly Gen<int[]> Tokens = Gen.Int[0, Vocabulary - 1].Array[0, 30];
    private static readonly Gen<float[]> Scores = Gen.OneOf(Gen.Float[-20, 20], Gen.Const(0f), Gen.Const(float.NegativeInfinity)).Array[Vocabulary];

    [Theory]
    [InlineData("repeat_penalty", 0f, 0f, 0f)]
    [InlineData("repeat_penalty", float.NaN, 0f, 0f)]
    [InlineData("repeat_penalty", float.PositiveInfinity, 0f, 0f)]
    [InlineData("presence_penalty", 1f, float.NaN, 0f)]
    [InlineData("frequency_penalty", 1f, 0f, float.PositiveInfinity)]
    public void A_number_out_of_range_is_refused_by_name(string param, float repeat, float presence, float frequency) =>
        Refused(param, new Sampling { RepeatPenalty = repeat, PresencePenalty = presence, FrequencyPenalty = frequency });

    [Theory]
    [InlineData(-1, 1f)]
    [InlineData(Vocabulary, 1f)]
    [InlineData(int.MaxValue, 1f)]
    [InlineData(0, 100.5f)]
    [InlineData(0, float.NegativeInfinity)]
    [InlineData(0, float.NaN)]
    public void A_bias_of_no_token_or_of_no_number_is_refused(int token, float bias) => Refused("logit_bias", new Sampling { LogitBias = { [token] = bias } });

    [Fact]
    public void A_request_that_changes_no_score_has_no_penalties()
    {
        Assert.Null(Of(new Sampling(), []));
        Assert.Null(Of(new Sampling { RepeatPenalty = 1, RepeatLastN = 100, PresencePenalty = 0, FrequencyPenalty = 0 }, [1, 2]));
        Assert.Null(Of(new Sampling { RepeatPenalty = 2, RepeatLastN = 0 }, [1, 2]));
    }

    [Fact]
    public void Scores_change_as_the_definitions_say_and_come_back() =>
        Gen.Select(Scores, Tokens, Tokens, Gen.Float[0.5f, 3], Gen.UInt[0, 40], Gen.Float[-2, 2], Gen.Float[-2, 2], Gen.Float[-100, 100]).Sample(
            (scores, prompt, output, repeat, lastN, presence, frequency, bias) =>
            {
                var options = new Sampling
                {
                    RepeatPenalty = repeat,
                    RepeatLastN = lastN,
                    PresencePenalty = presence,
                    FrequencyPenalty = frequency,
                    LogitBias = { [5] = bias, [7] = -bias },
                };
                var penalties = Of(options, prompt)!;
                Array.ForEach(output, penalties.Accept);
                var changed = (float[])scores.Clone();
                penalties.Apply(changed);
                var recent = prompt.Concat(output).TakeLast((int)lastN).ToHashSet();
                for (var id = 0; id < Vocabulary; id++)
                {
                    var expected = scores[id] + (id == 5 ? bias : id == 7 ? -bias : 0);
                    expected = !recent.Contains(id) || repeat == 1 ? expected : expected > 0 ? expected / repeat : expected * repeat;
                    var count = output.Count(token => token == id);
                    expected = count == 0 ? expected : expected - presence - (frequency * count);
                    Assert.Equal(expected, changed[id]);
                }

                penalties.Undo(changed);
                Assert.Equal(scores, changed);
            });

    [Fact]
    public void A_bias_forbids_a_token_and_another_one_makes_it_the_only_one()
    {
        float[] scores = [5, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0];
        Assert.Equal(0, Next(new Sampling(), scores));
        Assert.Equal(4, Next(new Sampling { LogitBias = { [0] = -100 } }, scores));
        Assert.Equal(7, Next(new Sampling { Temperature = 2, Seed = 1, LogitBias = { [7] = 100 } }, scores));
    }

    [Fact]
    public void The_end_does_not_come_before_its_time()
    {
        float[] scores = [0, 1, 9, 8, 0, 0, 0, 0, 0, 0, 0, 0];
        var sampler = With(new Sampling { MinTokens = 3 });
        Assert.Equal([1, 1, 1, 2], Enumerable.Range(0, 4).Select(_ => sampler.Next(scores)));
    }

    [Fact]
    public void The_end_never_comes_where_it_is_ignored_whatever_its_bias()
    {
        float[] scores = [0, 1, 9, 8, 0, 0, 0, 0, 0, 0, 0, 0];
        Assert.Equal(1, Next(new Sampling { IgnoreEos = true, LogitBias = { [2] = 100 } }, scores));
    }

    [Fact]
    public void A_vocabulary_of_end_marks_alone_fails_instead_of_ending()
    {
        float[] scores = [float.NegativeInfinity, float.NegativeInfinity, 9, 8];
        var sampler = new Sampler(new Sampling(), Penalties.Of(new Sampling { IgnoreEos = true }, 4, EndMarks, []));
        Assert.Throws<RequestRefusedException>(() => sampler.Next(scores));
    }

    [Fact]
    public void Only_what_was_generated_counts_for_presence_and_the_prompt_too_for_repetition()
    {
        float[] scores = [3, 2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        Assert.Equal(0, Next(new Sampling { PresencePenalty = 2 }, scores, prompt: [0]));
        Assert.Equal(1, Next(new Sampling { RepeatPenalty = 2 }, scores, prompt: [0]));
        var sampler = With(new Sampling { PresencePenalty = 1.5f });
        Assert.Equal([0, 1, 0], Enumerable.Range(0, 3).Select(_ => sampler.Next(scores)));
    }

    private static Penalties? Of(Sampling options, int[] prompt) => Penalties.Of(options, Vocabulary, EndMarks, prompt);

    private static Sampler With(Sampling options, params int[] prompt) => new(options, Of(options, prompt));

    private static int Next(Sampling options, float[] scores, params int[] prompt) => With(options, prompt).Next(scores);

    private static void Refused(string param, Sampling options)
    {
        var refusal = Assert.Throws<RequestRefusedException>(() => Of(options, []));
        Assert.Equal(("param.range", param), (refusal.Code, refusal.Param));
    }
}
