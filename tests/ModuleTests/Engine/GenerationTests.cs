using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine;

/// <summary>One worker for all tests that leave it as they found it.</summary>
public sealed class Storyteller : IAsyncLifetime
{
    internal WorkerProcess Worker { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Worker = await WorkerProcess.StartReadyAsync(RealModel.PathOrStandIn);

    public ValueTask DisposeAsync() => Worker.DisposeAsync();
}

public sealed class GenerationTests(Storyteller storyteller) : IClassFixture<Storyteller>
{
    private const string Lily = ", there was a little girl named Lily. She loved to play outside in the park.";

    [Fact]
    public async Task A_prompt_that_does_not_fit_is_refused_with_numbers_and_harms_nobody()
    {
        await using var worker = await WorkerProcess.StartReadyAsync(RealModel.PathOrStandIn, "--context", "256");
        var tooLong = await worker.SubmitAsync(new Submit { Text = string.Concat(Enumerable.Repeat("Once upon a time ", 100)) });
        var endless = await worker.SubmitAsync(new Submit { Text = new string('a', 5 << 20) });
        var fits = await worker.SubmitAsync(new Submit { Text = "Once upon a time", MaxTokens = 30 });
        var result = await worker.ReadToEndAsync(tooLong, endless, fits);
        Assert.Equal("context_length_exceeded", result[tooLong].Failed?.Code);
        Assert.Contains("256", result[tooLong].Failed!.Message, StringComparison.Ordinal);
        Assert.Equal("context_length_exceeded", result[endless].Failed?.Code);
        Assert.Equal(30u, result[fits].Finished?.Usage.CompletionTokens);
    }

    [Fact]
    public async Task A_wrong_number_is_refused_by_name()
    {
        var worker = storyteller.Worker;
        var refused = await worker.GenerateAsync(new Submit { Text = "Once", Sampling = new Sampling { Temperature = -1 } });
        Assert.Equal(("param.range", "temperature"), (refused.Failed?.Code, refused.Failed?.Param));
        Assert.Single(refused.Events);
    }

    [Fact]
    public async Task A_cancelled_request_ends_and_the_others_go_on()
    {
        var worker = storyteller.Worker;
        var cancelled = await worker.SubmitAsync(new Submit { Text = "Once upon a time" });
        var kept = await worker.SubmitAsync(new Submit { Text = "Once upon a time", MaxTokens = 60 });
        while ((await worker.ReadEventAsync()).Delta is null)
        {
        }

        await worker.CancelAsync(cancelled);
        var result = await worker.ReadToEndAsync(cancelled, kept);
        Assert.Equal(FinishReason.Cancelled, result[cancelled].Finished?.Reason);
        Assert.InRange(result[cancelled].Finished!.Usage.CompletionTokens, 1u, 2000u);
        Assert.Equal(FinishReason.Length, result[kept].Finished?.Reason);
    }

    [Fact]
    public async Task A_trained_model_tells_the_story_it_was_trained_on()
    {
        Assert.SkipWhen(RealModel.Path is null, RealModel.Missing);
        var worker = storyteller.Worker;
        var story = await worker.GenerateAsync(new Submit { Text = "Once upon a time", MaxTokens = 60 });
        Assert.StartsWith(Lily, story.Text, StringComparison.Ordinal);
        Assert.Equal(FinishReason.Length, story.Finished?.Reason);
        Assert.Equal(60u, story.Finished!.Usage.CompletionTokens);
        Assert.Equal(story.Events[0].Admitted.PromptTokens, story.Finished.Usage.PromptTokens);
    }

    [Fact]
    public async Task A_stop_string_is_not_shown_and_costs_its_tokens()
    {
        var worker = storyteller.Worker;
        var whole = await worker.GenerateAsync(new Submit { Text = "Once upon a time", MaxTokens = 60 });
        var stop = whole.Text[20..34];
        var story = await worker.GenerateAsync(new Submit { Text = "Once upon a time", Stop = { stop } });
        Assert.Equal(whole.Text[..whole.Text.IndexOf(stop, StringComparison.Ordinal)], story.Text);
        Assert.Equal(FinishReason.Stop, story.Finished?.Reason);
        Assert.True(story.Finished!.Usage.CompletionTokens > story.Events.Max(news => news.Delta?.Tokens ?? 0));
    }

    [Fact]
    public async Task The_end_mark_ends_a_text_and_counts()
    {
        Assert.SkipWhen(RealModel.Path is null, RealModel.Missing); // one of random weights never says it
        // So hot that every token is about equally likely: after a few hundred the end mark comes up.
        var worker = storyteller.Worker;
        var sampling = new Sampling { Temperature = 1000, Seed = 1 };
        var noise = await worker.GenerateAsync(new Submit { Text = "Once", Sampling = sampling });
        for (; noise.Finished?.Reason == FinishReason.Length && sampling.Seed < 5; sampling.Seed++)
        {
            noise = await worker.GenerateAsync(new Submit { Text = "Once", Sampling = sampling });
        }

        Assert.Equal(FinishReason.Stop, noise.Finished?.Reason);
        Assert.True(noise.Finished!.Usage.CompletionTokens > noise.Events.Max(news => news.Delta?.Tokens ?? 0));
        Assert.DoesNotContain("</s>", noise.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_tokens_are_no_text_and_an_empty_prompt_is_a_beginning()
    {
        var worker = storyteller.Worker;
        var nothing = await worker.GenerateAsync(new Submit { Text = "Once upon a time", MaxTokens = 0 });
        Assert.Equal((FinishReason.Length, "", 0u), (nothing.Finished!.Reason, nothing.Text, nothing.Finished.Usage.CompletionTokens));
        var beginning = await worker.GenerateAsync(new Submit { Text = "", MaxTokens = 5 });
        Assert.Equal((1u, 5u), (beginning.Finished!.Usage.PromptTokens, beginning.Finished.Usage.CompletionTokens));
    }

    [Fact]
    public async Task A_full_context_ends_a_story_with_reason_length()
    {
        await using var worker = await WorkerProcess.StartReadyAsync(RealModel.PathOrStandIn, "--context", "256", "--slots", "1");
        var request = new Submit { Text = "Once upon a time, there was a", Sampling = new Sampling { Temperature = 100, TopK = 50, Seed = 3 } };
        var story = await worker.GenerateAsync(request);
        Assert.Equal(FinishReason.Length, story.Finished?.Reason);
        Assert.Equal(256u, story.Finished!.Usage.PromptTokens + story.Finished.Usage.CompletionTokens);
    }

    [Fact]
    public async Task A_seed_gives_the_same_story_again()
    {
        var worker = storyteller.Worker;
        var first = await worker.GenerateAsync(Request(5));
        Assert.Equal(first.Text, (await worker.GenerateAsync(Request(5))).Text);
        Assert.NotEqual(first.Text, (await worker.GenerateAsync(Request(6))).Text);

        static Submit Request(ulong seed) =>
            new() { Text = "Tom", MaxTokens = 40, Sampling = new Sampling { Temperature = 1, TopP = 0.95f, Seed = seed } };
    }

    [Fact]
    public async Task Many_at_once_get_what_each_gets_alone_even_when_the_cache_is_too_small_for_all()
    {
        await using var worker = await WorkerProcess.StartReadyAsync(RealModel.PathOrStandIn, "--context", "512", "--slots", "4");
        string[] prompts = ["Once upon a time", "Tom had a dog", "The sun was", "Lily and her mom", "One day, a big", "In the garden"];
        var alone = new List<string>();
        foreach (var prompt in prompts)
        {
            alone.Add((await worker.GenerateAsync(Request(prompt))).Text);
        }

        var ids = new List<ulong>();
        foreach (var prompt in prompts)
        {
            ids.Add(await worker.SubmitAsync(Request(prompt)));
        }

        var together = await worker.ReadToEndAsync([.. ids]);
        // Sums in another order may tip a close race between two words, but not at once.
        Assert.All(ids.Zip(alone), pair => Assert.Equal(pair.Second[..60], together[pair.First].Text[..60]));
        Assert.All(ids, id => Assert.NotNull(together[id].Finished));

        static Submit Request(string prompt) => new() { Text = prompt, MaxTokens = 250 };
    }

    [Theory]
    [InlineData("total")]
    [InlineData("first_token")]
    [InlineData("queue")]
    public async Task Texts_that_are_not_embedded_in_time_end_with_the_deadline_that_passed(string deadline)
    {
        var deadlines = deadline switch
        {
            "total" => new Deadlines { Total = 0 },
            "queue" => new Deadlines { Queue = 0 },
            _ => new Deadlines { FirstToken = 0 },
        };
        var late = await storyteller.Worker.GenerateAsync(new Submit { Embed = new Inputs { Inputs_ = { new Input { Text = "Once" } } }, Deadlines = deadlines });
        Assert.Equal($"deadline.{deadline}", late.Failed?.Code);
        var timely = await storyteller.Worker.GenerateAsync(new Submit { Embed = new Inputs { Inputs_ = { new Input { Text = "Once" } } } });
        Assert.Single(timely.Events, news => news.Embedding is not null);
        Assert.Equal(FinishReason.Stop, timely.Finished?.Reason);
    }

    [Fact]
    public async Task A_conversation_is_answered_without_its_marks()
    {
        var worker = storyteller.Worker;
        var conversation = new Conversation { Messages = { new Message { Role = "user", Content = "Tell a story. <|im_end|>" } } };
        var answer = await worker.GenerateAsync(new Submit { Conversation = conversation, MaxTokens = 30 });
        Assert.NotEqual("", answer.Text);
        Assert.DoesNotContain("<|im_end|>", answer.Text, StringComparison.Ordinal);
    }
}
