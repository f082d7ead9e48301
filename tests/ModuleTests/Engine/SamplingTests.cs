using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine;

/// <summary>Sampling settings as a worker serves them; <see cref="SamplerTests"/> and its neighbours hold their numbers.</summary>
public sealed class SamplingTests(Storyteller storyteller) : IClassFixture<Storyteller>
{
    // So hot that every token is about equally likely: the end mark comes up after a few hundred.
    private const float Hot = 1000;

    [Fact]
    public async Task Log_probabilities_change_nothing_and_join_to_the_text()
    {
        var plain = await GenerateAsync(new Sampling(), 40);
        var asked = await GenerateAsync(new Sampling { TopLogprobs = 3 }, 40);
        Assert.Equal(plain.Text, asked.Text);
        Assert.All(plain.Events, news => Assert.Empty(news.Delta?.Logprobs ?? []));
        var entries = Entries(asked);
        Assert.Equal(40, entries.Length);
        Assert.All(entries, entry => Assert.Equal((entry.Token, entry.Logprob), (entry.Top[0].Token, entry.Top[0].Logprob)));
        Assert.All(entries, entry => Assert.Equal(3, entry.Top.Count));
        Assert.StartsWith(asked.Text, TextOf(entries), StringComparison.Ordinal); // the rest may be a part of a character
        Assert.All(asked.Events.Where(news => news.Delta is not null), news => Assert.NotEmpty(news.Delta.Logprobs));
    }

    [Fact]
    public async Task They_are_the_models_own_before_penalties_bias_and_filters()
    {
        var plain = Entries(await GenerateAsync(new Sampling { TopLogprobs = 2 }, 1))[0];
        var sampling = new Sampling { TopLogprobs = 2, TopK = 1, PresencePenalty = 1, RepeatPenalty = 1.5f, LogitBias = { [plain.Token] = -100 } };
        var other = Entries(await GenerateAsync(sampling, 1))[0];
        Assert.NotEqual(plain.Token, other.Token);
        Assert.Equal(plain.Top.Select(top => top.Token), other.Top.Select(top => top.Token));
        Assert.All(plain.Top.Zip(other.Top), pair => Assert.Equal(pair.First.Logprob, pair.Second.Logprob, tolerance: 0.01f));
    }

    [Fact]
    public async Task Held_back_text_comes_with_its_tokens_and_a_stop_string_takes_its_own_along()
    {
        var whole = await GenerateAsync(new Sampling(), 40);
        var stop = whole.Text[20..34];
        var cut = await GenerateAsync(new Sampling { TopLogprobs = 0 }, 40, stop);
        Assert.Equal(FinishReason.Stop, cut.Finished?.Reason);
        Assert.StartsWith(TextOf(Entries(cut)), cut.Text, StringComparison.Ordinal);
        Assert.InRange(Entries(cut).Length, 1, (int)cut.Finished!.Usage.CompletionTokens - 1);
        var held = await GenerateAsync(new Sampling { TopLogprobs = 0 }, 40, whole.Text[^9..] + "\u0001");
        Assert.Equal((whole.Text, 40), (held.Text, Entries(held).Length));
    }

    [Fact]
    public async Task Hot_tokens_are_reported_to_the_last_although_many_are_parts_of_characters()
    {
        var noise = await GenerateAsync(new Sampling { Temperature = Hot, Seed = 4, TopLogprobs = 1, IgnoreEos = true }, 200);
        Assert.Equal(200, Entries(noise).Length);
    }

    [Fact]
    public async Task An_ignored_end_mark_never_comes()
    {
        var sampling = new Sampling { Temperature = Hot, Seed = 1 };
        var endings = await UntilItEndsAsync(sampling);
        var ignoring = new Sampling(sampling) { IgnoreEos = true };
        var story = await GenerateAsync(ignoring, endings + 20);
        Assert.Equal((FinishReason.Length, endings + 20), (story.Finished!.Reason, story.Finished.Usage.CompletionTokens));
    }

    [Fact]
    public async Task The_end_waits_for_the_least_number_of_tokens()
    {
        var sampling = new Sampling { Temperature = Hot, Seed = 1 };
        var endings = await UntilItEndsAsync(sampling);
        var story = await GenerateAsync(new Sampling(sampling) { MinTokens = endings + 5 }, null);
        Assert.True(story.Finished!.Usage.CompletionTokens > endings + 5);
    }

    [Fact]
    public async Task A_penalty_ends_repetition()
    {
        var plain = Entries(await GenerateAsync(new Sampling { TopLogprobs = 0 }, 120)).Select(entry => entry.Token).ToList();
        var penalized = Entries(await GenerateAsync(new Sampling { TopLogprobs = 0, FrequencyPenalty = 2, PresencePenalty = 2 }, 120)).Select(entry => entry.Token);
        Assert.True(penalized.Distinct().Count() > plain.Distinct().Count());
    }

    [Theory]
    [InlineData(-1, 1f)]
    [InlineData(1_000_000, 1f)]
    [InlineData(5, 101f)]
    [InlineData(5, float.NaN)]
    public async Task A_bias_that_cannot_be_is_refused_and_harms_nobody(int token, float bias)
    {
        var refused = await GenerateAsync(new Sampling { LogitBias = { [token] = bias } }, 5);
        Assert.Equal(("param.range", "logit_bias"), (refused.Failed?.Code, refused.Failed?.Param));
        Assert.NotNull((await GenerateAsync(new Sampling(), 5)).Finished);
    }

    private static TokenLogprob[] Entries(Generation generation) => [.. generation.Events.SelectMany(news => news.Delta?.Logprobs ?? [])];

    private static string TextOf(IEnumerable<TokenLogprob> entries) =>
        System.Text.Encoding.UTF8.GetString(entries.SelectMany(entry => entry.Piece).ToArray());

    private Task<Generation> GenerateAsync(Sampling sampling, uint? maxTokens, params string[] stop)
    {
        var request = new Submit { Text = "Once upon a time", Sampling = sampling, Stop = { stop } };
        if (maxTokens is { } most)
        {
            request.MaxTokens = most;
        }

        return storyteller.Worker.GenerateAsync(request);
    }

    /// <summary>Looks for a seed with which the model ends its text, and gives its tokens.</summary>
    private async Task<uint> UntilItEndsAsync(Sampling sampling)
    {
        for (; sampling.Seed < 10; sampling.Seed++)
        {
            var noise = await GenerateAsync(sampling, 1500);
            if (noise.Finished?.Reason == FinishReason.Stop)
            {
                return noise.Finished.Usage.CompletionTokens;
            }
        }

        throw new InvalidOperationException("No seed ends the text.");
    }
}
