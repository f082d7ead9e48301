using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Generation;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

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
        var entries = (await models.ListAsync(context.RequestAborted)).Where(m => ModelRights.Allows(context, m.Name)).Select(Entry);
        await context.Response.WriteAsJsonAsync(new ModelList([.. entries]), AnswerJson.Plain.ModelList, null, context.RequestAborted);
    }

    private static async Task GetModelAsync(string model, HttpContext context, IModelCatalog models)
    {
        ModelRights.Check(context, model);
        var found = await models.FindAsync(model, context.RequestAborted) ?? throw EngineCalls.NotFound(model);
        await context.Response.WriteAsJsonAsync(Entry(found), AnswerJson.Plain.ModelEntry, null, context.RequestAborted);
    }

    private static ModelEntry Entry(InstalledModel model) => new(model.Name, model.InstalledAt.ToUnixTimeSeconds());
}
