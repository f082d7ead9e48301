using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Names;
using LlmPlatform.SharedKernel;
using Microsoft.AspNetCore.Http;

namespace LlmPlatform.Inference.OpenAi;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
internal static class ChatCompletions
{
    private static readonly string[] Efforts = ["none", "minimal", "low", "medium", "high"];

    public static async Task PostAsync(HttpContext context, ITextGenerator generator, TimeProvider time)
    {
        var body = await JsonBody.ReadAsync(context);
        var wanted = GenerationParams.ReadChat(body, await body.ReadModelAsync(context));
        var request = ReadRequest(body, wanted, context.User.ToModelUser());
        var events = Choices.RunAsync(
            wanted.Choices, (i, cancellation) => generator.GenerateAsync(request with { Sampling = wanted.SamplingOf(i) }, cancellation), context.RequestAborted)
            .ShowingQuota(context, time);
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
            Message = ChatReply.Of(reply),
            Logprobs = LogprobShapes.ToChat(reply.Logprobs),
            FinishReason = reply.Completed!.Reason.ToWire(),
            Diagnostic = reply.Completed.Diagnostic,
        });
        await context.Response.WriteAsJsonAsync(
            head with { Object = "chat.completion", Choices = [.. choices], Usage = usage, DroppedMessages = replies[0].DroppedMessages }, AnswerJson.Plain.Answer, null, context.RequestAborted);
    }

    internal static GenerationRequest ReadRequest(JsonBody body, GenerationParams wanted, ModelUser user)
    {
        var tools = ToolParams.Read(body);
        var truncation = body.Text("truncation"); // as in OpenAI's Responses
        var effort = body.Text("reasoning_effort");
        Check(truncation is null or "disabled" or "auto", "truncation", "truncation is disabled, or auto: the oldest turns are left out where the context is full.");
        Check(effort is null || Efforts.Contains(effort), "reasoning_effort", $"reasoning_effort is one of: {string.Join(", ", Efforts)}.");
        return new GenerationRequest(wanted.Model, user, ChatMessages.Read(body))
        {
            MaxTokens = wanted.MaxTokens,
            Stop = wanted.Stop,
            Tools = tools.Tools,
            ToolChoice = tools.Choice,
            ParallelToolCalls = tools.Parallel,
            Format = OutputFormats.Read(body, user),
            ReasoningEffort = effort,
            TemplateArguments = body.Object("chat_template_kwargs")?.Json,
            DropsOldestTurns = truncation == "auto",
        };
    }

    private static void Check(bool isFine, string param, string sentence)
    {
        if (!isFine)
        {
            throw Refusal.BadParam(param, sentence);
        }
    }

    private static IEnumerable<Answer> Chunks(Answer head, ChoiceNews choice, ChoicesUsage usage, bool includeUsage)
    {
        switch (choice.News)
        {
            case PromptAccepted accepted:
                yield return Delta(new ChatDelta { Role = "assistant", Content = "" }) with { DroppedMessages = accepted.DroppedMessages > 0 ? accepted.DroppedMessages : null };
                break;
            case TextDelta delta:
                yield return Delta(new ChatDelta { Content = delta.Text }, LogprobShapes.ToChat(delta.Logprobs));
                break;
            case ReasoningDelta delta:
                yield return Delta(new ChatDelta { ReasoningContent = delta.Text });
                break;
            case ToolCallStarted call:
                yield return Delta(new ChatDelta { ToolCalls = [new(call.Index, call.Id, "function", new(call.Name, ""))] });
                break;
            case ToolCallDelta call:
                yield return Delta(new ChatDelta { ToolCalls = [new(call.Index, null, null, new(null, call.Arguments))] });
                break;
            case GenerationCompleted completed:
                yield return head with
                {
                    Choices = [new Choice(choice.Index) { Delta = new ChatDelta(), FinishReason = completed.Reason.ToWire(), Diagnostic = completed.Diagnostic }],
                };
                if (usage.Add(choice.Index, completed) && includeUsage)
                {
                    yield return head with { Usage = usage.Total };
                }

                break;
        }

        Answer Delta(ChatDelta delta, ChoiceLogprobs? logprobs = null) => head with { Choices = [new Choice(choice.Index) { Delta = delta, Logprobs = logprobs }] };
    }
}
