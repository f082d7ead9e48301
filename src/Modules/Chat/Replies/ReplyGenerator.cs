using System.Text;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.Chat.Tools;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Microsoft.Extensions.Logging;

namespace LlmPlatform.Chat.Replies;

/// <summary>How the writing of a reply ended.</summary>
internal sealed record ReplyEnd(MessageState State, string? FinishReason, ReplyUsage? Usage, ReplyError? Error);

/// <summary>Asks the model for a reply and takes down what it says.</summary>
internal sealed partial class ReplyGenerator(ITextGenerator generator, ToolBox tools, ILogger<ReplyGenerator> logger)
{
    // A model that asks for calls again and again is stopped; the last round has to answer with what it knows.
    private const int MostRounds = 8;
    private const int MostCalls = 16;

    /// <summary>Writes a reply. Whatever breaks is how it ended.</summary>
    /// <param name="reply">Is told all that the model says.</param>
    /// <param name="messages">What the model is shown.</param>
    /// <param name="left">How many messages were left out already.</param>
    /// <param name="said">Called whenever there is something new.</param>
    /// <param name="cancellation">Stops the model within a step.</param>
    public async Task<ReplyEnd> WriteAsync(RunningReply reply, IReadOnlyList<ChatMessage> messages, int left, Action said, CancellationToken cancellation)
    {
        var used = new UsageCount(reply.Order.UsedBefore);
        try
        {
            if (reply.Order.Before is not null)
            {
                Say(new MessagePart(PartKind.Continued, ""));
            }

            var servers = reply.Order.ToolChoice == ToolChoiceMode.None ? [] : reply.Order.Settings.ToolServers;
            await using var offered = servers.Count > 0 ? await tools.OfferAsync(reply.Order.Asker, servers, cancellation) : null;
            for (var round = 1; ; round++)
            {
                var taken = new Round();
                await foreach (var news in generator.GenerateAsync(RequestOf(reply.Order, messages, offered, round), cancellation))
                {
                    used.Count(news);
                    Take(news, taken);
                }

                var completed = taken.Completed ?? throw new GenerationException(502, "engine.broken_off", "The model's answer ended without an end.");
                if (offered is null || completed.Reason != FinishReason.ToolCalls || round == MostRounds)
                {
                    return new ReplyEnd(MessageState.Completed, Word(completed.Reason), used.Total, null);
                }

                messages = [.. messages, .. await CallAsync(offered, taken)];
                used.EndRound();
            }
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
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            LogFailed(logger, failure, reply.Order.MessageId);
            return new ReplyEnd(MessageState.Failed, null, used.Total, new ReplyError("internal", "Something broke on our side."));
        }

        void Take(GenerationEvent news, Round round)
        {
            switch (news)
            {
                case PromptAccepted accepted:
                    Say(new MessagePart(PartKind.Context, "") { PromptTokens = accepted.PromptTokens, DroppedMessages = accepted.DroppedMessages + left });
                    break;
                case TextDelta { Text.Length: > 0 } delta:
                    round.Text.Append(delta.Text);
                    Say(new MessagePart(PartKind.Text, delta.Text));
                    break;
                case ReasoningDelta { Text.Length: > 0 } delta:
                    Say(new MessagePart(PartKind.Reasoning, delta.Text));
                    break;
                case ToolCallStarted started:
                    round.Calls.Add((started, new StringBuilder()));
                    break;
                case ToolCallDelta delta:
                    round.Calls.First(call => call.Started.Index == delta.Index).Arguments.Append(delta.Arguments);
                    break;
                case GenerationCompleted end:
                    round.Completed = end;
                    break;
            }
        }

        // One after the other: whoever consented to two tools did not consent to a race of them.
        async Task<IReadOnlyList<ChatMessage>> CallAsync(OfferedTools offered, Round round)
        {
            var calls = round.Calls.Select(call => new ToolCall(call.Started.Id, call.Started.Name, call.Arguments.ToString())).ToList();
            var results = new List<ChatMessage>();
            foreach (var (call, number) in calls.Select((call, number) => (call, number)))
            {
                Say(new MessagePart(PartKind.ToolCall, call.Arguments) { CallId = call.Id, Name = call.Name });
                var result = number < MostCalls
                    ? await tools.CallAsync(offered, call, cancellation)
                    : ToolResult.Failed("tools.too_many_calls", $"The call was not made: at most {MostCalls} are made at once.");
                Say(new MessagePart(PartKind.ToolResult, result.Text) { CallId = call.Id, Name = call.Name, IsError = result.IsError });
                results.Add(new ChatMessage("tool", result.Text) { ToolCallId = call.Id, Name = call.Name });
            }

            return [new ChatMessage(MessageRoles.Assistant, round.Text.ToString()) { ToolCalls = calls }, .. results];
        }

        void Say(MessagePart part)
        {
            reply.Add(part);
            said();
        }
    }

    private static GenerationRequest RequestOf(ReplyOrder order, IReadOnlyList<ChatMessage> messages, OfferedTools? offered, int round)
    {
        var settings = order.Settings;
        var continues = messages is [.., { Role: MessageRoles.Assistant }];
        // Who must call once has called then, and may answer.
        var choice = round == MostRounds ? ToolChoiceMode.None : round == 1 ? order.ToolChoice : ToolChoiceMode.Auto;
        return new GenerationRequest(order.Model, order.Asker, messages)
        {
            Sampling = settings.ToSampling(),
            MaxTokens = settings.MaxTokens,
            Stop = settings.Stop ?? [],
            Tools = offered?.Tools ?? [],
            ToolChoice = new ToolChoice(offered is { Tools.Count: > 0 } ? choice : ToolChoiceMode.Auto),
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

    [LoggerMessage(LogLevel.Error, "Reply {MessageId} broke")]
    private static partial void LogFailed(ILogger logger, Exception exception, Guid messageId);

    /// <summary>What a model says until it ends or waits for results.</summary>
    private sealed class Round
    {
        public StringBuilder Text { get; } = new();

        public List<(ToolCallStarted Started, StringBuilder Arguments)> Calls { get; } = [];

        public GenerationCompleted? Completed { get; set; }
    }

    /// <summary>Adds up what the rounds of a reply use, also of one that breaks off.</summary>
    private sealed class UsageCount(ReplyUsage? before)
    {
        private ReplyUsage before = before ?? new ReplyUsage(0, 0, 0, 0);
        private ReplyUsage? round;

        public ReplyUsage? Total => round is { } now
            ? now with { CompletionTokens = before.CompletionTokens + now.CompletionTokens, ReasoningTokens = before.ReasoningTokens + now.ReasoningTokens }
            : before.TotalTokens == 0 ? null : before;

        public void EndRound() => (before, round) = (Total ?? before, null);

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
