using ModelContextProtocol.Client;

namespace LlmPlatform.Chat.Tools;

/// <summary>An open session with one server, and the tools it had when the session was opened.</summary>
internal sealed class ToolSession(ToolServer server, McpClient client, ToolList tools, TimeProvider time) : IAsyncDisposable
{
    public ToolServer Server => server;

    public McpClient Client => client;

    public ToolList Tools => tools;

    public ValueTask DisposeAsync() => new(client.EndAsync(time));
}

internal static class SessionEnding
{
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    /// <summary>Ends a session. Telling the server is a courtesy: one that does not listen keeps nobody waiting, and its failures interest nobody.</summary>
    public static async Task EndAsync(this McpClient? client, TimeProvider time)
    {
        if (client is not null)
        {
            var ending = client.DisposeAsync().AsTask();
            await Task.WhenAny(ending, Task.Delay(Farewell, time, CancellationToken.None));
            _ = ending.ContinueWith(static ended => ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        }
    }
}
