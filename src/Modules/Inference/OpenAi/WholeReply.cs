using System.Text;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Inference.OpenAi;

/// <summary>A reply for clients that want it in one piece.</summary>
internal sealed class WholeReply
{
    private readonly StringBuilder text = new();
    private List<TokenLogprob>? logprobs;

    public string Text => text.ToString();

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
            var reply = replies[index];
            switch (news)
            {
                case TextDelta delta:
                    reply.text.Append(delta.Text);
                    reply.logprobs?.AddRange(delta.Logprobs ?? []);
                    break;
                case GenerationCompleted completed:
                    reply.Completed = completed;
                    usage.Add(index, completed);
                    break;
            }
        }

        return replies.All(reply => reply.Completed is not null)
            ? (replies, usage.Total)
            : throw new GenerationException(502, "engine.incomplete", "The engine ended without finishing the reply; the request can be sent again.");
    }
}

internal static class FinishReasons
{
    public static string ToWire(this FinishReason reason) => reason == FinishReason.Length ? "length" : "stop";
}
