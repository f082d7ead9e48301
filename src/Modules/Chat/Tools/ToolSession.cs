using ModelContextProtocol.Client;

namespace LlmPlatform.Chat.Tools;

/// <summary>An open session with one server, and the tools it had when the session was opened.</summary>
internal sealed class ToolSession(ToolServer server, McpClient client, HttpClientTransport transport, ToolList tools, TimeProvider time) : IAsyncDisposable
{
    public ToolServer Server => server;

    public McpClient Client => client;

    public ToolList Tools => tools;

    public ValueTask DisposeAsync() => new(transport.EndAsync(client, time));
}

internal static class SessionEnding
{
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Ends a session and its connections. Telling the server is a courtesy: one that does not listen keeps nobody waiting, and its failures interest
    /// nobody.
    /// </summary>
    public static async Task EndAsync(this HttpClientTransport transport, McpClient? client, TimeProvider time)
    {
        var ending = client?.DisposeAsync().AsTask() ?? Task.CompletedTask;
        await Task.WhenAny(ending, Task.Delay(Farewell, time, CancellationToken.None));
        _ = ending.ContinueWith(static ended => ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        await transport.DisposeAsync(); // the client leaves it and what it holds open
    }
}
