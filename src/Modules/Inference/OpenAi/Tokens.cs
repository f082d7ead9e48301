using LlmPlatform.Inference.Generation;
using LlmPlatform.Inference.Names;
using Microsoft.AspNetCore.Http;

namespace LlmPlatform.Inference.OpenAi;

/// <summary><c>POST /v1/tokenize</c> and <c>/v1/detokenize</c>, in the shapes of vLLM: OpenAI has no such addresses.</summary>
internal static class Tokens
{
    public static async Task TokenizeAsync(HttpContext context, ModelTexts texts)
    {
        var body = await JsonBody.ReadAsync(context);
        var user = context.User.ToModelUser();
        var model = await body.ReadModelAsync(context);
        var request = body.Has("messages") ? ChatCompletions.ReadRequest(body, GenerationParams.ReadChat(body, model), user) : null;
        var text = request is null ? body.Text("prompt") ?? throw body.Missing("prompt") : null;
        var tokens = request is null
            ? await texts.TokenizeAsync(model, user, text!, context.RequestAborted)
            : await texts.TokenizeAsync(request, context.RequestAborted);
        await context.Response.WriteAsJsonAsync(new TokenList(tokens.Count, tokens), AnswerJson.Plain.TokenList, null, context.RequestAborted);
    }

    public static async Task DetokenizeAsync(HttpContext context, ModelTexts texts)
    {
        var body = await JsonBody.ReadAsync(context);
        var model = await body.ReadModelAsync(context);
        var tokens = body.Has("tokens") ? body.Wholes("tokens") : throw body.Missing("tokens");
        var text = await texts.DetokenizeAsync(model, context.User.ToModelUser(), tokens, context.RequestAborted);
        await context.Response.WriteAsJsonAsync(new TokenText(text), AnswerJson.Plain.TokenText, null, context.RequestAborted);
    }
}
