using System.Runtime.InteropServices;
using LlmPlatform.Inference.Generation;
using LlmPlatform.Inference.Names;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Http;

namespace LlmPlatform.Inference.OpenAi;

/// <summary><c>POST /v1/embeddings</c>: texts, or their tokens, as vectors of length 1.</summary>
internal static class Embeddings
{
    private const int MostInputs = 2048; // as OpenAI
    private const int MostDimensions = 1 << 16;

    public static async Task PostAsync(HttpContext context, ModelTexts texts)
    {
        var body = await JsonBody.ReadAsync(context);
        var model = await body.ReadModelAsync(context);
        var isBase64 = body.Text("encoding_format") switch
        {
            null or "float" => false,
            "base64" => true,
            _ => throw Refusal.BadParam("encoding_format", "encoding_format is float or base64."),
        };
        var dimensions = (int?)body.Whole("dimensions", 1, MostDimensions);
        var inputs = ReadInputs(body);
        var found = await texts.EmbedAsync(model, context.User.ToModelUser(), inputs, context.RequestAborted);
        if (dimensions is { } wanted && wanted != found.Vectors[0].Count)
        {
            throw Refusal.BadParam("dimensions", $"The vectors of this model have {found.Vectors[0].Count} numbers; shorter ones would not be what it was trained to give.");
        }

        var entries = found.Vectors.Select((vector, index) => new EmbeddingEntry(index, isBase64 ? ToBase64(vector) : vector));
        var usage = new EmbeddingUsage(found.PromptTokens, found.PromptTokens);
        await context.Response.WriteAsJsonAsync(new EmbeddingList([.. entries], model, usage), AnswerJson.Plain.EmbeddingList, null, context.RequestAborted);
    }

    internal static IReadOnlyList<EmbeddingInput> ReadInputs(JsonBody body)
    {
        IReadOnlyList<EmbeddingInput> inputs =
            body.IsListOfWholes("input") ? [new EmbeddingInput(null, body.Wholes("input"))]
            : body.IsListOfLists("input") ? [.. body.ListsOfWholes("input").Select(tokens => new EmbeddingInput(null, tokens))]
            : [.. (body.Texts("input") ?? throw body.Missing("input")).Select(text => new EmbeddingInput(text, null))];
        return inputs.Count is > 0 and <= MostInputs
            ? inputs
            : throw Refusal.BadParam("input", $"input holds 1 to {MostInputs} texts.");
    }

    /// <summary>Little-endian floats of 4 bytes, as OpenAI's clients read them.</summary>
    private static string ToBase64(IReadOnlyList<float> vector) => Convert.ToBase64String(MemoryMarshal.AsBytes<float>(vector.ToArray()));
}
