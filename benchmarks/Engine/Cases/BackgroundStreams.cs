using LlmPlatform.Benchmarks.Servers;

namespace LlmPlatform.Benchmarks.Cases;

/// <summary>Streams that go on until somebody has seen enough of them.</summary>
internal sealed class BackgroundStreams : IAsyncDisposable
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(2);
    private readonly List<(Task Reading, CancellationTokenSource Leave)> streams = [];
    private readonly OpenAiEndpoint endpoint;

    public BackgroundStreams(OpenAiEndpoint endpoint, IEnumerable<string> prompts, int maxTokens, Action<StreamedReply>? onText = null)
    {
        this.endpoint = endpoint;
        foreach (var prompt in prompts)
        {
            var leave = new CancellationTokenSource();
            streams.Add((endpoint.CompleteAsync(prompt, maxTokens, onText, leave.Token), leave));
        }
    }

    /// <summary>Waits until something is so. Throws where the streams are over before it is.</summary>
    public async Task UntilAsync(Func<bool> isSo)
    {
        while (!isSo())
        {
            if (streams.TrueForAll(s => s.Reading.IsCompleted))
            {
                await Task.WhenAll(streams.Select(s => s.Reading));
                throw new InvalidOperationException("The streams ended too early.");
            }

            await Task.Delay(LookAgain);
        }
    }

    /// <summary>The reader of one stream closes its connection.</summary>
    public Task LeaveAsync(int stream) => streams[stream].Leave.CancelAsync();

    /// <summary>All leave, and the server is heard to be free again.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var (reading, leave) in streams)
        {
            await leave.CancelAsync();
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            leave.Dispose();
        }

        await endpoint.CompleteAsync("Once", maxTokens: 2);
    }
}
