extern alias engine;

using CsCheck;
using engine::LlmPlatform.Inference.Engine.Generation;
using engine::LlmPlatform.Inference.Engine.Protocol;
using Google.Protobuf;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine;

public sealed class LogProbabilitiesTests
{
    private static readonly Gen<float[]> Scores =
        Gen.OneOf(Gen.Int[-80, 40].Select(quarters => quarters / 4f), Gen.Const(float.NegativeInfinity)).Array[0, 2100].Select(scores => (float[])[1, .. scores]);

    [Fact]
    public void Over_the_whole_vocabulary_they_are_the_probabilities_of_one_event() =>
        Scores.Sample(scores => Assert.Equal(1, Enumerable.Range(0, scores.Length).Sum(id => Math.Exp(Describe(scores, id, 0).Logprob)), tolerance: 1e-4), iter: 20);

    [Fact]
    public void The_alternatives_are_the_likeliest_best_first_and_of_equals_the_first() =>
        Gen.Select(Scores, Gen.Int[0, 20]).Sample((scores, count) =>
        {
            var entry = Describe(scores, 0, count);
            var ranking = Enumerable.Range(0, scores.Length).OrderByDescending(id => scores[id]).ThenBy(id => id).Take(count);
            Assert.Equal(ranking, entry.Top.Select(other => other.Token));
            Assert.All(entry.Top, other => Assert.Equal(Describe(scores, other.Token, 0).Logprob, other.Logprob));
        });

    [Fact]
    public void More_alternatives_than_anybody_reads_are_refused()
    {
        Assert.Equal("top_logprobs", Assert.Throws<RequestRefusedException>(() => LogProbabilities.Of(new Sampling { TopLogprobs = 21 })).Param);
        Assert.Null(LogProbabilities.Of(new Sampling()));
    }

    [Fact]
    public void An_entry_waits_for_its_text_and_a_cut_one_never_comes()
    {
        var log = LogProbabilities.Of(new Sampling { TopLogprobs = 0 })!;
        Add(log, 0, characters: 2);
        Add(log, 1, characters: 3);
        log.Show(4);
        Assert.Equal([0], log.TakeReady().Select(entry => entry.Token));
        Assert.False(log.HasReady);
        log.Show(1);
        Assert.Equal([1], log.TakeReady().Select(entry => entry.Token));
    }

    [Fact]
    public void A_part_of_a_character_comes_with_the_rest_of_it_or_at_the_end()
    {
        var log = LogProbabilities.Of(new Sampling { TopLogprobs = 0 })!;
        Add(log, 0, characters: 0, hasPart: true);
        Assert.False(log.HasReady);
        Add(log, 1, characters: 1);
        log.Show(1);
        Assert.Equal([0, 1], log.TakeReady().Select(entry => entry.Token));
        Add(log, 2, characters: 0, hasPart: true);
        log.Show(0);
        Assert.False(log.HasReady);
        log.ShowAll();
        Assert.Equal([2], log.TakeReady().Select(entry => entry.Token));
    }

    private static void Add(LogProbabilities log, int token, int characters, bool hasPart = false) => log.Add([1, 2, 3], token, characters, hasPart, Piece);

    private static TokenLogprob Describe(float[] scores, int token, int alternatives) => LogProbabilities.Describe(scores, token, alternatives, Piece);

    private static ByteString Piece(int token) => ByteString.CopyFromUtf8($"{token}");
}
