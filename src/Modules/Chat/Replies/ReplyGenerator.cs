using LlmPlatform.Chat.Conversations;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Chat.Replies;

/// <summary>How the writing of a reply ended.</summary>
internal sealed record ReplyEnd(MessageState State, string? FinishReason, ReplyUsage? Usage, ReplyError? Error);

/// <summary>Asks the model for a reply and takes down what it says.</summary>
internal sealed class ReplyGenerator(PromptReader prompts, ITextGenerator generator)
{
    /// <summary>Writes a reply of a conversation.</summary>
    /// <param name="reply">Is told all that the model says.</param>
    /// <param name="said">Called whenever there is something new.</param>
    /// <param name="cancellation">Stops the model within a step.</param>
    public async Task<ReplyEnd> WriteAsync(RunningReply reply, Action said, CancellationToken cancellation)
    {
        var (messages, left) = await prompts.ReadAsync(reply.Order, cancellation);
        return await WriteAsync(reply, messages, left, said, cancellation);
    }

    /// <summary>Writes a reply to messages, of which some were left out already.</summary>
    public async Task<ReplyEnd> WriteAsync(RunningReply reply, IReadOnlyList<ChatMessage> messages, int left, Action said, CancellationToken cancellation)
    {
        var used = new UsageCount(reply.Order.UsedBefore);
        try
        {
            if (reply.Order.Before is not null)
            {
                Say(new MessagePart(PartKind.Continued, ""));
            }

            var completed = await AskAsync(reply.Order, messages, left);
            return new ReplyEnd(MessageState.Completed, Word(completed.Reason), used.Total, null);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return reply.IsStopped
                ? new ReplyEnd(MessageState.Stopped, Word(FinishReason.Cancelled), used.Total, null)
                : new ReplyEnd(MessageState.Interrupted, null, used.Total, InterruptReplyHandler.Interrupted);
        }
        catch (GenerationException failure)
        {
            return new ReplyEnd(MessageState.Failed, null, used.Total, new ReplyError(failure.Code, failure.Message));
        }
        catch (Refusal refusal)
        {
            return new ReplyEnd(MessageState.Failed, null, used.Total, new ReplyError(refusal.Error.Code, refusal.Error.Message));
        }

        async Task<GenerationCompleted> AskAsync(ReplyOrder order, IReadOnlyList<ChatMessage> messages, int left)
        {
            GenerationCompleted? completed = null;
            await foreach (var news in generator.GenerateAsync(RequestOf(order, messages), cancellation))
            {
                used.Count(news);
                switch (news)
                {
                    case PromptAccepted accepted:
                        Say(new MessagePart(PartKind.Context, "") { PromptTokens = accepted.PromptTokens, DroppedMessages = accepted.DroppedMessages + left });
                        break;
                    case TextDelta { Text.Length: > 0 } delta:
                        Say(new MessagePart(PartKind.Text, delta.Text));
                        break;
                    case ReasoningDelta { Text.Length: > 0 } delta:
                        Say(new MessagePart(PartKind.Reasoning, delta.Text));
                        break;
                    case GenerationCompleted end:
                        completed = end;
                        break;
                }
            }

            return completed ?? throw new GenerationException(502, "engine.broken_off", "The model's answer ended without an end.");
        }

        void Say(MessagePart part)
        {
            reply.Add(part);
            said();
        }
    }

    private static GenerationRequest RequestOf(ReplyOrder order, IReadOnlyList<ChatMessage> messages)
    {
        var settings = order.Settings;
        var continues = messages is [.., { Role: MessageRoles.Assistant }];
        return new GenerationRequest(order.Model, order.Asker, messages)
        {
            Sampling = settings.ToSampling(),
            MaxTokens = settings.MaxTokens,
            Stop = settings.Stop ?? [],
            ReasoningEffort = continues ? null : settings.ReasoningEffort,
            DropsOldestTurns = settings.Context == ContextPolicy.DropOldest,
            ContinuesLastMessage = continues,
        };
    }

    private static string Word(FinishReason reason) => reason switch
    {
        FinishReason.Length => "length",
        FinishReason.ToolCalls => "tool_calls",
        FinishReason.Cancelled => "cancelled",
        _ => "stop",
    };

    /// <summary>Adds up what the rounds of a reply use, also of one that breaks off.</summary>
    private sealed class UsageCount(ReplyUsage? before)
    {
        private readonly ReplyUsage before = before ?? new ReplyUsage(0, 0, 0, 0);
        private ReplyUsage? round;

        public ReplyUsage? Total => round is { } now
            ? now with { CompletionTokens = before.CompletionTokens + now.CompletionTokens, ReasoningTokens = before.ReasoningTokens + now.ReasoningTokens }
            : before.TotalTokens == 0 ? null : before;

        public void Count(GenerationEvent news) => round = news switch
        {
            PromptAccepted accepted => new ReplyUsage(accepted.PromptTokens, 0, 0, 0),
            TextDelta delta => round! with { CompletionTokens = delta.CompletionTokens },
            ReasoningDelta delta => round! with { CompletionTokens = delta.CompletionTokens },
            ToolCallDelta delta => round! with { CompletionTokens = delta.CompletionTokens },
            GenerationCompleted { Usage: var usage } => new ReplyUsage(usage.PromptTokens, usage.CompletionTokens, usage.CachedTokens, usage.ReasoningTokens),
            _ => round,
        };
    }
}
