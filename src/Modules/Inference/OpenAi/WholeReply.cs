using System.Text;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Inference.OpenAi;

/// <summary>A reply for clients that want it in one piece.</summary>
internal sealed class WholeReply
{
    private readonly StringBuilder text = new();
    private readonly StringBuilder reasoning = new();
    private readonly List<(ToolCallStarted Call, StringBuilder Arguments)> calls = [];
    private List<TokenLogprob>? logprobs;

    public string Text => text.ToString();

    public string Reasoning => reasoning.ToString();

    public IReadOnlyList<ToolCall> ToolCalls => [.. calls.Select(call => new ToolCall(call.Call.Id, call.Call.Name, call.Arguments.ToString()))];

    public int? DroppedMessages { get; private set; }

    /// <summary>Null unless asked for.</summary>
    public IReadOnlyList<TokenLogprob>? Logprobs => logprobs;

    public GenerationCompleted? Completed { get; private set; }

    /// <summary>Gathers all choices of a request.</summary>
    public static async Task<(IReadOnlyList<WholeReply> Replies, UsageEntry Usage)> ReadAsync(
        IAsyncEnumerable<ChoiceNews> events, GenerationParams wanted, CancellationToken cancellation)
    {
        var isAsked = wanted.Sampling.TopLogprobs is not null;
        WholeReply[] replies = [.. Enumerable.Range(0, wanted.Choices).Select(_ => new WholeReply { logprobs = isAsked ? [] : null })];
        var usage = new ChoicesUsage(wanted);
        await foreach (var (index, news) in events.WithCancellation(cancellation))
        {
            replies[index].Add(news);
            if (news is GenerationCompleted completed)
            {
                usage.Add(index, completed);
            }
        }

        return replies.All(reply => reply.Completed is not null)
            ? (replies, usage.Total)
            : throw new GenerationException(502, "engine.incomplete", "The engine ended without finishing the reply; the request can be sent again.");
    }

    private void Add(GenerationEvent news)
    {
        switch (news)
        {
            case PromptAccepted accepted:
                DroppedMessages = accepted.DroppedMessages > 0 ? accepted.DroppedMessages : null;
                break;
            case TextDelta delta:
                text.Append(delta.Text);
                logprobs?.AddRange(delta.Logprobs ?? []);
                break;
            case ReasoningDelta delta:
                reasoning.Append(delta.Text);
                break;
            case ToolCallStarted call:
                calls.Add((call, new StringBuilder()));
                break;
            case ToolCallDelta delta:
                calls[delta.Index].Arguments.Append(delta.Arguments);
                break;
            case GenerationCompleted completed:
                Completed = completed;
                break;
        }
    }
}

internal static class FinishReasons
{
    public static string ToWire(this FinishReason reason) => reason switch
    {
        FinishReason.Length => "length",
        FinishReason.ToolCalls => "tool_calls",
        _ => "stop",
    };
}
