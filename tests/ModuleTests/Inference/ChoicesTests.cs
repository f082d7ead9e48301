using System.ClientModel;
using System.Net.Http.Json;
using System.Text.Json;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.OpenAi;
using LlmPlatform.ModuleTests.Support;
using OpenAI;
using OpenAI.Chat;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

/// <summary>Several choices and log probabilities, as OpenAI's clients read them.</summary>
public sealed class ChoicesTests(PlatformFixture platform)
{
    private const string Prompt = "Once upon a time";

    [Fact]
    public async Task Greedy_choices_are_equal_and_their_prompt_counts_once()
    {
        var one = await CompleteAsync(new { model = PlatformFixture.Model, prompt = Prompt, temperature = 0, max_tokens = 20 });
        var three = await CompleteAsync(new { model = PlatformFixture.Model, prompt = Prompt, temperature = 0, max_tokens = 20, n = 3 });
        Assert.Equal([0, 1, 2], three.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("index").GetInt32()));
        Assert.Equal(Enumerable.Repeat(Texts(one).Single(), 3), Texts(three));
        Assert.Equal(Usage(one, "prompt_tokens"), Usage(three, "prompt_tokens"));
        Assert.Equal((60, Usage(one, "prompt_tokens") + 60), (Usage(three, "completion_tokens"), Usage(three, "total_tokens")));
    }

    [Fact]
    public async Task A_choice_has_the_seed_of_its_place()
    {
        async Task<string[]> Of(int seed, int n) =>
            Texts(await CompleteAsync(new { model = PlatformFixture.Model, prompt = Prompt, temperature = 1.5, max_tokens = 30, seed, n }));
        var three = await Of(7, 3);
        Assert.Equal(three.Distinct(), three);
        // Sums in another order may tip a close race between two tokens, but not at once.
        Assert.StartsWith((await Of(8, 1))[0][..3], three[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Streamed_choices_join_to_the_whole_ones()
    {
        var request = new { model = PlatformFixture.Model, prompt = Prompt, temperature = 0, max_tokens = 20, n = 2, logprobs = 2 };
        var whole = (await CompleteAsync(request)).GetProperty("choices").EnumerateArray().ToArray();
        var chunks = await StreamAsync(request);
        for (var index = 0; index < 2; index++)
        {
            var mine = chunks.SelectMany(chunk => chunk.GetProperty("choices").EnumerateArray()).Where(choice => choice.GetProperty("index").GetInt32() == index).ToArray();
            Assert.Equal(whole[index].Text("text"), string.Concat(mine.Select(choice => choice.Text("text"))));
            foreach (var name in (string[])["tokens", "text_offset"])
            {
                Assert.Equal(Items(whole[index], name).Select(item => item.GetRawText()), mine.SelectMany(choice => Items(choice, name)).Select(item => item.GetRawText()));
            }

            // Sums in another order: a step's other streams change the last digits.
            var (expected, streamed) = (Items(whole[index], "token_logprobs"), mine.SelectMany(choice => Items(choice, "token_logprobs")));
            Assert.All(expected.Zip(streamed), pair => Assert.Equal(pair.First.GetDouble(), pair.Second.GetDouble(), tolerance: 0.01));
            Assert.All(mine.SelectMany(choice => Items(choice, "top_logprobs")), top => Assert.InRange(top.EnumerateObject().Count(), 2, 3));
        }

        Assert.Equal(40, chunks[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.Single(chunks, chunk => chunk.TryGetProperty("usage", out _));
    }

    [Fact]
    public async Task Offsets_point_at_the_tokens_in_the_text()
    {
        var answer = await CompleteAsync(new { model = PlatformFixture.Model, prompt = Prompt, temperature = 0, max_tokens = 20, logprobs = 0 });
        var choice = answer.GetProperty("choices")[0];
        var (text, logprobs) = (choice.Text("text")!, choice.GetProperty("logprobs"));
        var tokens = logprobs.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()!).ToArray();
        var offsets = logprobs.GetProperty("text_offset").EnumerateArray().Select(offset => offset.GetInt32()).ToArray();
        var runes = text.EnumerateRunes().ToArray();
        Assert.Equal(20, tokens.Length);
        Assert.All(tokens.Zip(offsets).Where(pair => !pair.First.StartsWith("bytes:", StringComparison.Ordinal)), pair =>
            Assert.StartsWith(pair.First, string.Concat(runes[pair.Second..]), StringComparison.Ordinal));
        Assert.All(logprobs.GetProperty("top_logprobs").EnumerateArray(), top => Assert.Single(top.EnumerateObject()));
    }

    [Fact]
    public async Task The_official_client_reads_log_probabilities()
    {
        var key = (await (await platform.Administrator.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "client" })).JsonAsync()).Text("key")!;
        var client = new ChatClient(PlatformFixture.Model, new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(platform.Platform.Address, "/v1") });
        var settings = new ChatCompletionOptions
        {
            Temperature = 0,
            MaxOutputTokenCount = 12,
            IncludeLogProbabilities = true,
            TopLogProbabilityCount = 3,
            PresencePenalty = 0.5f,
        };
        OpenAI.Chat.ChatMessage[] messages = [new UserChatMessage("Tell me a story.")];
        var whole = (await client.CompleteChatAsync(messages, settings)).Value;
        Assert.Equal(12, whole.ContentTokenLogProbabilities.Count);
        Assert.All(whole.ContentTokenLogProbabilities, token =>
        {
            Assert.InRange(token.LogProbability, -9999f, 0f);
            Assert.Equal(3, token.TopLogProbabilities.Count);
        });
        var bytes = whole.ContentTokenLogProbabilities.SelectMany(token => token.Utf8Bytes!.Value.ToArray()).ToArray();
        Assert.StartsWith(whole.Content[0].Text, System.Text.Encoding.UTF8.GetString(bytes), StringComparison.Ordinal);

        var streamed = new List<ChatTokenLogProbabilityDetails>();
        await foreach (var update in client.CompleteChatStreamingAsync(messages, settings))
        {
            streamed.AddRange(update.ContentTokenLogProbabilities);
        }

        Assert.Equal(whole.ContentTokenLogProbabilities.Select(token => token.Token), streamed.Select(token => token.Token));
        Assert.All(whole.ContentTokenLogProbabilities.Zip(streamed), pair => Assert.Equal(pair.First.LogProbability, pair.Second.LogProbability, tolerance: 0.01f));
    }

    [Fact]
    public void What_has_no_text_and_no_number_is_written_as_OpenAI_does()
    {
        var part = new TokenLogprob(1, new byte[] { 0xE2, 0x80 }, float.NegativeInfinity, []);
        var entry = Assert.Single(LogprobShapes.ToChat([part])!.Content);
        Assert.Equal(("bytes:\\xe2\\x80", -9999f), (entry.Token, entry.Logprob));
        Assert.Equal([0xE2, 0x80], entry.Bytes);
        var offset = 0;
        LogprobShapes.ToCompletion([new(2, "é🐢"u8.ToArray(), 0, []), part], ref offset);
        Assert.Equal(3, offset);
    }

    [Fact]
    public async Task A_choice_that_fails_ends_the_others()
    {
        var ended = new TaskCompletionSource();
        var events = Choices.RunAsync(2, (index, cancellation) => index == 0 ? Endless(ended, cancellation) : Failing(), TestContext.Current.CancellationToken);
        var failure = await Assert.ThrowsAsync<GenerationException>(async () => await events.LastAsync(TestContext.Current.CancellationToken));
        Assert.Equal("engine.crashed", failure.Code);
        Assert.True(ended.Task.IsCompleted);
    }

    [Fact]
    public async Task A_reader_that_leaves_ends_all_choices()
    {
        TaskCompletionSource[] ended = [new(), new(), new()];
        var events = Choices.RunAsync(3, (index, cancellation) => Endless(ended[index], cancellation), TestContext.Current.CancellationToken);
        await events.FirstAsync(TestContext.Current.CancellationToken);
        Assert.All(ended, one => Assert.True(one.Task.IsCompleted));
    }

    private static async IAsyncEnumerable<GenerationEvent> Endless(
        TaskCompletionSource ended, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        try
        {
            for (var tokens = 1; ; tokens++)
            {
                cancellation.ThrowIfCancellationRequested();
                await Task.Yield();
                yield return new TextDelta("a", tokens);
            }
        }
        finally
        {
            ended.SetResult();
        }
    }

    private static async IAsyncEnumerable<GenerationEvent> Failing()
    {
        yield return new PromptAccepted(1);
        await Task.Yield();
        throw new GenerationException(502, "engine.crashed", "It crashed.");
    }

    private static string[] Texts(JsonElement answer) => [.. answer.GetProperty("choices").EnumerateArray().Select(choice => choice.Text("text")!)];

    private static int Usage(JsonElement answer, string name) => answer.GetProperty("usage").GetProperty(name).GetInt32();

    private static IEnumerable<JsonElement> Items(JsonElement choice, string name) =>
        choice.GetProperty("logprobs") is { ValueKind: JsonValueKind.Object } logprobs ? logprobs.GetProperty(name).EnumerateArray() : [];

    private async Task<JsonElement> CompleteAsync(object request)
    {
        var answer = await platform.Administrator.PostAsJsonAsync("/v1/completions", request);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return await answer.JsonAsync();
    }

    private async Task<JsonElement[]> StreamAsync(object request)
    {
        var body = JsonSerializer.SerializeToNode(request)!.AsObject();
        body["stream"] = true;
        body["stream_options"] = new System.Text.Json.Nodes.JsonObject { ["include_usage"] = true };
        var answer = await platform.Administrator.PostAsJsonAsync("/v1/completions", body);
        var lines = (await answer.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("data: [DONE]", lines[^1]);
        return [.. lines[..^1].Select(line => JsonDocument.Parse(line["data: ".Length..]).RootElement)];
    }
}
