using LlmPlatform.Benchmarks.Servers;
using LlmPlatform.Measuring;

namespace LlmPlatform.Benchmarks.Cases;

/// <summary>Streams that arrive together, each with a prompt of its own. Measures tokens per second, then the median and 95th percentile of TTFT.</summary>
internal sealed class Streams(string name, BenchmarkModel model, int streams, int maxTokens, int contextTokens, params Metric[] metrics)
    : Case(name, model, streams, contextTokens, metrics)
{
    private const int ShortestPrompt = 50;
    private const int LongestPrompt = 100;

    public override async Task<double[]> MeasureAsync(IServer server, int run)
    {
        var replies = await Task.WhenAll(Enumerable.Range(0, Streams).Select(stream => server.Endpoint.CompleteAsync(PromptOf(run, stream), maxTokens)));
        var tokens = replies.Sum(r => r.CompletionTokens);
        if (tokens < Streams * maxTokens)
        {
            Console.WriteLine($"{Name}, {server.Name}: the model ended after {tokens} of {Streams * maxTokens} tokens, so the sides differ in length.");
        }

        var firsts = replies.Select(r => r.FirstTextMilliseconds).ToArray();
        double[] all = [tokens / StreamedReply.Seconds(replies), firsts.Median(), firsts.Percentile(95)];
        return all[..Metrics.Count];
    }

    private string PromptOf(int run, int stream) =>
        Streams == 1 ? "Once upon a time" : Prompts.Of(ShortestPrompt + (stream * (LongestPrompt - ShortestPrompt) / (Streams - 1)), run, stream);
}
