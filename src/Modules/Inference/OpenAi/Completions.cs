using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Generation;
using LlmPlatform.Inference.Names;
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
        var wanted = GenerationParams.ReadCompletion(body, await body.ReadModelAsync(context));
        var prompt = ReadPrompt(body);
        var user = context.User.ToModelUser();
        var request = new TextContinuation(wanted.Model, user, prompt)
        {
            MaxTokens = wanted.MaxTokens,
            UsualMaxTokens = DefaultMaxTokens,
            Stop = wanted.Stop,
            Format = OutputFormats.Read(body, user),
        };
        var events = Choices.RunAsync(
            wanted.Choices, (i, cancellation) => generator.ContinueAsync(request with { Sampling = wanted.SamplingOf(i) }, cancellation), context.RequestAborted)
            .ShowingQuota(context, time);
        var head = new Answer($"cmpl-{Guid.CreateVersion7(time.GetUtcNow()):n}", "text_completion", time.GetUtcNow().ToUnixTimeSeconds(), wanted.Model, []);
        var offsets = new int[wanted.Choices];
        if (wanted.Stream)
        {
            var streamed = new ChoicesUsage(wanted);
            await EventStream.WriteAsync(context, events, e => Chunks(head, e, ref offsets[e.Index], streamed, wanted.IncludeUsage), time);
            return;
        }

        var (replies, usage) = await WholeReply.ReadAsync(events, wanted, context.RequestAborted);
        var choices = replies.Select((reply, index) => new Choice(index)
        {
            Text = reply.Text,
            Logprobs = LogprobShapes.ToCompletion(reply.Logprobs, ref offsets[index]),
            FinishReason = reply.Completed!.Reason.ToWire(),
        });
        await context.Response.WriteAsJsonAsync(
            head with { Choices = [.. choices], Usage = usage }, AnswerJson.Plain.Answer, null, context.RequestAborted);
    }

    internal static string ReadPrompt(JsonBody body) => (body.Texts("prompt") ?? throw body.Missing("prompt")) switch
    {
        [var only] => only,
        _ => throw Refusal.BadParam("prompt", "Exactly one prompt at a time is supported.", "param.unsupported"),
    };

    private static IEnumerable<Answer> Chunks(Answer head, ChoiceNews choice, ref int offset, ChoicesUsage usage, bool includeUsage)
    {
        switch (choice.News)
        {
            case TextDelta delta:
                var logprobs = LogprobShapes.ToCompletion(delta.Logprobs, ref offset);
                return [head with { Choices = [new Choice(choice.Index) { Text = delta.Text, Logprobs = logprobs }] }];
            case GenerationCompleted completed:
                var end = head with { Choices = [new Choice(choice.Index) { Text = "", FinishReason = completed.Reason.ToWire() }] };
                return usage.Add(choice.Index, completed) && includeUsage ? [end, head with { Usage = usage.Total }] : [end];
            default:
                return [];
        }
    }
}
