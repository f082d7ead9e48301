using LlmPlatform.Benchmarks.Servers;
using LlmPlatform.Measuring;

namespace LlmPlatform.Benchmarks.Cases;

/// <summary>Conversations of one person, held at the same time, under one system prompt. Every turn sends all that was said before.</summary>
internal sealed class Turns() : Case(
    "turns", BenchmarkModel.Medium, Conversations, contextTokens: 2048, Metric.TokensPerSecond(2), Metric.Milliseconds("TTFT p95", 0.4), Metric.Milliseconds("TTFT p50"))
{
    private const int Conversations = 8;
    private const int TurnsEach = 3;
    private const int SystemWords = 256;
    private const int UserWords = 16;
    private const int MaxTokens = 32;

    public override async Task<double[]> MeasureAsync(IServer server, int run)
    {
        var replies = (await Task.WhenAll(Enumerable.Range(0, Conversations).Select(conversation => HoldAsync(server, run, conversation))))
            .SelectMany(r => r)
            .ToArray();
        var firsts = replies.Select(r => r.FirstTextMilliseconds).ToArray();
        return [replies.Sum(r => r.CompletionTokens) / StreamedReply.Seconds(replies), firsts.Percentile(95), firsts.Median()];
    }

    private static async Task<List<StreamedReply>> HoldAsync(IServer server, int run, int conversation)
    {
        List<ChatTurn> said = [new("system", Prompts.Of(SystemWords, run))];
        List<StreamedReply> replies = [];
        for (var turn = 0; turn < TurnsEach; turn++)
        {
            said.Add(new ChatTurn("user", Prompts.Of(UserWords, run, conversation, turn)));
            var reply = await server.Endpoint.ReplyAsync(said, MaxTokens);
            said.Add(new ChatTurn("assistant", reply.Text));
            replies.Add(reply);
        }

        return replies;
    }
}
