using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Http;

namespace LlmPlatform.Inference.OpenAi;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
internal static class ChatCompletions
{
    private const int MostMessages = 10_000;
    private static readonly string[] Roles = ["system", "developer", "user", "assistant", "tool"];

    public static async Task PostAsync(HttpContext context, ITextGenerator generator, TimeProvider time)
    {
        var body = await JsonBody.ReadAsync(context);
        var wanted = GenerationParams.ReadChat(body);
        var request = new GenerationRequest(wanted.Model, CurrentUser.From(context.User).Id, ReadMessages(body)) { MaxTokens = wanted.MaxTokens, Stop = wanted.Stop };
        ModelRights.Check(context, wanted.Model);
        var events = Choices.RunAsync(
            wanted.Choices, (i, cancellation) => generator.GenerateAsync(request with { Sampling = wanted.SamplingOf(i) }, cancellation), context.RequestAborted);
        var head = new Answer($"chatcmpl-{Guid.CreateVersion7(time.GetUtcNow()):n}", "", time.GetUtcNow().ToUnixTimeSeconds(), wanted.Model, []);
        if (wanted.Stream)
        {
            head = head with { Object = "chat.completion.chunk" };
            var streamed = new ChoicesUsage(wanted);
            await EventStream.WriteAsync(context, events, e => Chunks(head, e, streamed, wanted.IncludeUsage), time);
            return;
        }

        var (replies, usage) = await WholeReply.ReadAsync(events, wanted, context.RequestAborted);
        var choices = replies.Select((reply, index) => new Choice(index)
        {
            Message = new ChatReply("assistant", reply.Text),
            Logprobs = LogprobShapes.ToChat(reply.Logprobs),
            FinishReason = reply.Completed!.Reason.ToWire(),
        });
        await context.Response.WriteAsJsonAsync(
            head with { Object = "chat.completion", Choices = [.. choices], Usage = usage }, AnswerJson.Plain.Answer, null, context.RequestAborted);
    }

    internal static IReadOnlyList<ChatMessage> ReadMessages(JsonBody body)
    {
        var items = body.Objects("messages") ?? throw body.Missing("messages");
        return items.Count is > 0 and <= MostMessages
            ? [.. items.Select(ReadMessage)]
            : throw Refusal.BadParam("messages", $"messages holds 1 to {MostMessages} messages.");
    }

    private static ChatMessage ReadMessage(JsonBody item)
    {
        var role = item.RequiredText("role");
        if (!Roles.Contains(role))
        {
            throw Refusal.BadParam(item.At("role"), $"{item.At("role")} is one of: {string.Join(", ", Roles)}.");
        }

        if (item.Has("tool_calls") && !item.IsEmpty("tool_calls"))
        {
            throw Refusal.BadParam(item.At("tool_calls"), "Tool calls are not supported yet.", "param.unsupported");
        }

        // OpenAI renamed "system" to "developer"; models know the old name.
        return new ChatMessage(role == "developer" ? "system" : role, ReadContent(item));
    }

    private static string ReadContent(JsonBody item)
    {
        if (!item.Has("content"))
        {
            throw item.Missing("content");
        }

        return item.IsText("content") ? item.Text("content")! : string.Concat(item.Objects("content")!.Select(ReadPart));
    }

    private static string ReadPart(JsonBody part) => part.RequiredText("type") switch
    {
        "text" => part.RequiredText("text"),
        var type => throw Refusal.BadParam(part.At("type"), $"This model reads text only; a part of type '{type}' cannot be taken.", "modality.unsupported"),
    };

    private static IEnumerable<Answer> Chunks(Answer head, ChoiceNews choice, ChoicesUsage usage, bool includeUsage)
    {
        switch (choice.News)
        {
            case PromptAccepted:
                yield return head with { Choices = [new Choice(choice.Index) { Delta = new ChatDelta("assistant", "") }] };
                break;
            case TextDelta delta:
                var logprobs = LogprobShapes.ToChat(delta.Logprobs);
                yield return head with { Choices = [new Choice(choice.Index) { Delta = new ChatDelta(null, delta.Text), Logprobs = logprobs }] };
                break;
            case GenerationCompleted completed:
                yield return head with { Choices = [new Choice(choice.Index) { Delta = new ChatDelta(null, null), FinishReason = completed.Reason.ToWire() }] };
                if (usage.Add(choice.Index, completed) && includeUsage)
                {
                    yield return head with { Usage = usage.Total };
                }

                break;
        }
    }
}
