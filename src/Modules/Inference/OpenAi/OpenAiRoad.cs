using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Generation;
using LlmPlatform.Inference.Names;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace LlmPlatform.Inference.OpenAi;

/// <summary>The addresses that OpenAI's clients call.</summary>
internal static class OpenAiRoad
{
    private const string Tag = "OpenAI";

    public static void MapOpenAi(this IEndpointRouteBuilder routes)
    {
        var road = routes.MapGroup("/v1").RequireAuthorization().WithTags(Tag);
        road.MapGet("/models", ListModelsAsync).WithSummary("List the models you may use").Produces<ModelList>();
        road.MapGet("/models/{*model}", GetModelAsync).WithSummary("Show one model").Produces<ModelEntry>().Produces(404);
        road.MapPost("/completions", Completions.PostAsync).WithSummary("Continue a text").Produces<Answer>().Produces(400).Produces(404);
        road.MapPost("/chat/completions", ChatCompletions.PostAsync).WithSummary("Reply to a conversation").Produces<Answer>().Produces(400).Produces(404);
        road.MapPost("/embeddings", Embeddings.PostAsync).WithSummary("Turn texts into vectors").Produces<EmbeddingList>().Produces(400).Produces(404);
        road.MapPost("/tokenize", Tokens.TokenizeAsync).WithSummary("Turn a text or a conversation into tokens").Produces<TokenList>().Produces(400).Produces(404);
        road.MapPost("/detokenize", Tokens.DetokenizeAsync).WithSummary("Turn tokens into text").Produces<TokenText>().Produces(400).Produces(404);
    }

    private static async Task ListModelsAsync(HttpContext context, IModelCatalog models)
    {
        var entries = (await models.ListAsync(context.User.ToModelUser(), context.RequestAborted)).Select(Entry);
        await context.Response.WriteAsJsonAsync(new ModelList([.. entries]), AnswerJson.Plain.ModelList, null, context.RequestAborted);
    }

    private static async Task GetModelAsync(string model, HttpContext context, IModelCatalog models)
    {
        var found = await models.FindAsync(model, context.User.ToModelUser(), context.RequestAborted) ?? throw EngineCalls.NotFound(model);
        await context.Response.WriteAsJsonAsync(Entry(found), AnswerJson.Plain.ModelEntry, null, context.RequestAborted);
    }

    private static ModelEntry Entry(UsableModel model) => new(model.Name, model.CreatedAt.ToUnixTimeSeconds());

    /// <summary>The model that a request names, or else the default one.</summary>
    public static async Task<string> ReadModelAsync(this JsonBody body, HttpContext context) =>
        body.Text("model")
        ?? await context.RequestServices.GetRequiredService<IModelCatalog>().FindDefaultAsync(context.User.ToModelUser(), context.RequestAborted)
        ?? throw body.Missing("model");
}
