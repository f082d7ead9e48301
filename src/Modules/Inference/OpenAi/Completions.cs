using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Generation;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Http;

namespace LlmPlatform.Inference.OpenAi;

/// <summary><c>POST /v1/completions</c>: continues a text as it is.</summary>
internal static class Completions
{
    // OpenAI's documented default for this address, unlike for chat.
    private const int DefaultMaxTokens = 16;

    public static async Task PostAsync(HttpContext context, TextGenerator generator, TimeProvider time)
    {
        var body = await JsonBody.ReadAsync(context);
        var wanted = GenerationParams.Read(body);
        var prompt = ReadPrompt(body);
        ModelRights.Check(context, wanted.Model);
        var events = generator.ContinueAsync(
            wanted.Model, CurrentUser.From(context.User).Id, prompt, wanted.Sampling, wanted.MaxTokens ?? DefaultMaxTokens, wanted.Stop, context.RequestAborted);
        var head = new Answer($"cmpl-{Guid.CreateVersion7(time.GetUtcNow()):n}", "text_completion", time.GetUtcNow().ToUnixTimeSeconds(), wanted.Model, []);
        if (wanted.Stream)
        {
            await EventStream.WriteAsync(context, events, e => Chunks(head, e, wanted.IncludeUsage), time);
            return;
        }

        var (text, completed) = await WholeReply.ReadAsync(events, context.RequestAborted);
        var choice = new Choice(0) { Text = text, FinishReason = completed.Reason.ToWire() };
        await context.Response.WriteAsJsonAsync(
            head with { Choices = [choice], Usage = UsageEntry.Of(completed.Usage) }, AnswerJson.Plain.Answer, null, context.RequestAborted);
    }

    internal static string ReadPrompt(JsonBody body) => (body.Texts("prompt") ?? throw body.Missing("prompt")) switch
    {
        [var only] => only,
        _ => throw Refusal.BadParam("prompt", "Exactly one prompt at a time is supported.", "param.unsupported"),
    };

    private static IEnumerable<Answer> Chunks(Answer head, GenerationEvent news, bool includeUsage)
    {
        switch (news)
        {
            case TextDelta delta:
                yield return head with { Choices = [new Choice(0) { Text = delta.Text }] };
                break;
            case GenerationCompleted completed:
                yield return head with { Choices = [new Choice(0) { Text = "", FinishReason = completed.Reason.ToWire() }] };
                if (includeUsage)
                {
                    yield return head with { Usage = UsageEntry.Of(completed.Usage) };
                }

                break;
        }
    }
}
