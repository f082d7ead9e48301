using System.ClientModel;
using System.Net;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using LlmPlatform.ModuleTests.Support;
using OpenAI;
using OpenAI.Embeddings;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

/// <summary>A model that only makes vectors.</summary>
public sealed class Embedder(PlatformFixture platform) : IAsyncLifetime
{
    public const string Model = "embedder";

    public async ValueTask InitializeAsync()
    {
        using (var file = File.Create(Path.Combine(platform.Imports, "embedder.gguf")))
        {
            TinyEmbedder.Write(file);
        }

        var install = await platform.Administrator.InstallAsync($"file://{platform.Imports}/embedder.gguf", Model);
        Assert.Equal("succeeded", install.Text("state"));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

public sealed class EmbeddingsTests(PlatformFixture platform) : IClassFixture<Embedder>
{
    private static readonly string[] Texts = ["Once upon a time", "the cat", "number two and something else"];

    [Theory]
    [InlineData("{\"model\":\"embedder\"}", "input", "param.missing")]
    [InlineData("{\"model\":\"embedder\",\"input\":[]}", "input", "param.range")]
    [InlineData("{\"model\":\"embedder\",\"input\":7}", "input", "param.type")]
    [InlineData("{\"model\":\"embedder\",\"input\":[\"a\",7]}", "input[1]", "param.type")]
    [InlineData("{\"model\":\"embedder\",\"input\":[7,\"a\"]}", "input[1]", "param.type")]
    [InlineData("{\"model\":\"embedder\",\"input\":[[-1]]}", "input[0][0]", "param.type")]
    [InlineData("{\"model\":\"embedder\",\"input\":[100000]}", "input", "param.range")]
    [InlineData("{\"model\":\"embedder\",\"input\":[[]]}", "input", "param.range")]
    [InlineData("{\"model\":\"embedder\",\"input\":\"a\",\"dimensions\":0}", "dimensions", "param.range")]
    [InlineData("{\"model\":\"embedder\",\"input\":\"a\",\"dimensions\":32}", "dimensions", "param.range")]
    [InlineData("{\"model\":\"embedder\",\"input\":\"a\",\"encoding_format\":\"int8\"}", "encoding_format", "param.range")]
    public async Task A_bad_request_is_refused_by_the_field_to_blame(string body, string param, string code)
    {
        var answer = await platform.Administrator.PostAsync("/v1/embeddings", new StringContent(body, Encoding.UTF8, "application/json"));
        var error = (await answer.JsonAsync()).GetProperty("error");
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal((param, code), (error.Text("param"), error.Text("code")));
    }

    [Fact]
    public async Task A_text_longer_than_the_context_is_refused_and_not_cut()
    {
        string[] tooLong = ["fits", string.Concat(Enumerable.Repeat("cat ", TinyEmbedder.Context))];
        var answer = await platform.Administrator.PostAsJsonAsync("/v1/embeddings", new { model = Embedder.Model, input = tooLong });
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("context_length_exceeded", (await answer.JsonAsync()).GetProperty("error").Text("code"));
    }

    [Fact]
    public async Task A_model_that_only_embeds_says_so_when_it_is_to_generate()
    {
        var answer = await platform.Administrator.PostAsJsonAsync("/v1/completions", new { model = Embedder.Model, prompt = "a" });
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("model", (await answer.JsonAsync()).GetProperty("error").Text("param"));
    }

    [Theory]
    [InlineData(Embedder.Model)]
    [InlineData(PlatformFixture.Model)]
    public async Task Vectors_have_length_1_and_do_not_depend_on_who_else_is_in_the_batch(string model)
    {
        var together = await VectorsAsync(new { model, input = Texts });
        Assert.Equal(Texts.Length, together.Count);
        for (var index = 0; index < Texts.Length; index++)
        {
            var alone = Assert.Single(await VectorsAsync(new { model, input = Texts[index] }));
            Assert.Equal(1, Math.Sqrt(alone.Sum(value => value * value)), 1e-3);
            Assert.Equal(1, Similarity(alone, together[index]), 1e-3);
            Assert.All(together.Where((_, other) => other != index), other => Assert.True(Similarity(alone, other) < 0.999));
        }
    }

    [Fact]
    public async Task Two_thousand_texts_come_back_in_their_order_while_others_are_served()
    {
        var numbers = Enumerable.Range(0, 2000).Select(number => $"number {number % 10}").ToArray();
        var many = VectorsAsync(new { model = Embedder.Model, input = numbers });
        var one = Assert.Single(await VectorsAsync(new { model = Embedder.Model, input = "number 7" }));
        var vectors = await many;
        Assert.Equal(2000, vectors.Count);
        Assert.All(Enumerable.Range(0, 2000), index => Assert.Equal(index % 10 == 7, Similarity(vectors[index], one) > 0.9999));
    }

    [Fact]
    public async Task Base64_and_tokens_give_the_same_vector_as_text_and_numbers()
    {
        var model = PlatformFixture.Model;
        var numbers = Assert.Single(await VectorsAsync(new { model, input = Texts[0] }));
        var json = await (await platform.Administrator.PostAsJsonAsync("/v1/embeddings", new { model, input = Texts[0], encoding_format = "base64" })).JsonAsync();
        var bytes = Convert.FromBase64String(json.GetProperty("data")[0].Text("embedding")!);
        Assert.Equal(numbers, MemoryMarshal.Cast<byte, float>(bytes).ToArray());

        var tokens = await (await platform.Administrator.PostAsJsonAsync("/v1/tokenize", new { model, prompt = Texts[0] })).JsonAsync();
        var ids = tokens.GetProperty("tokens").EnumerateArray().Select(id => id.GetInt32()).ToArray();
        Assert.Equal(1, Similarity(numbers, Assert.Single(await VectorsAsync(new { model, input = ids }))), 1e-4);
        Assert.Equal(ids.Length, json.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    [Fact]
    public async Task The_official_client_reads_the_vectors()
    {
        var key = (await (await platform.Administrator.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "embeddings" })).JsonAsync()).Text("key")!;
        var client = new EmbeddingClient(Embedder.Model, new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(platform.Platform.Address, "/v1") });
        var vectors = (await client.GenerateEmbeddingsAsync(Texts, new EmbeddingGenerationOptions { Dimensions = TinyEmbedder.Dimensions })).Value;
        var expected = await VectorsAsync(new { model = Embedder.Model, input = Texts });
        Assert.Equal(expected.Count, vectors.Count);
        Assert.All(expected.Zip(vectors), pair => Assert.Equal(1, Similarity(pair.First, pair.Second.ToFloats().ToArray()), 1e-3));
    }

    private async Task<IReadOnlyList<float[]>> VectorsAsync(object request)
    {
        var answer = await platform.Administrator.PostAsJsonAsync("/v1/embeddings", request);
        var json = await answer.JsonAsync();
        Assert.True(answer.IsSuccessStatusCode, json.GetRawText());
        return [.. json.GetProperty("data").EnumerateArray().Select(Vector)];
    }

    private static float[] Vector(JsonElement entry) => [.. entry.GetProperty("embedding").EnumerateArray().Select(value => value.GetSingle())];

    private static double Similarity(float[] one, float[] other) => one.Zip(other).Sum(pair => (double)pair.First * pair.Second);
}
