using System.Text;
using LlmPlatform.SharedKernel;
using LlmPlatform.SharedKernel.Outside;
using ModelContextProtocol.Client;

namespace LlmPlatform.Chat.Tools;

/// <summary>Opens sessions with tool servers: only what an administrator named is reached, redirects lead nowhere, and no answer is endless.</summary>
public sealed class ToolSessions(GuardedHttp http, MasterKey master, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>Opens a session and reads what tools there are. Whoever gets it disposes it.</summary>
    /// <exception cref="Refusal">502 <c>tools.unreachable</c>: nobody answers within 15 seconds, or what answers is no tool server.</exception>
    internal async Task<ToolSession> OpenAsync(ToolServer server, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        var transport = Transport(server);
        McpClient? client = null;
        try
        {
            // The library is not given a logger: it would write down what people and models say.
            client = await McpClient.CreateAsync(transport, null, null, either.Token);
            return new ToolSession(server, client, transport, await ToolList.ReadAsync(client, either.Token), time);
        }
        catch (Exception failure) when (!cancellation.IsCancellationRequested && failure is not OutOfMemoryException)
        {
            // Whatever the library makes of another machine's rubbish, it is that machine's fault.
            await transport.EndAsync(client, time);
            throw new Refusal(new Error(502, "tools.unreachable", timeout.IsCancellationRequested
                ? $"The tool server {server.Id} did not answer within {Patience.TotalSeconds:0} seconds."
                : $"The tool server {server.Id} cannot be reached, or what answers there is none."));
        }
        catch
        {
            await transport.EndAsync(client, time);
            throw;
        }
    }

    private HttpClientTransport Transport(ToolServer server)
    {
        var address = new Uri(server.Address);
        var options = new HttpClientTransportOptions
        {
            Endpoint = address,
            Name = server.Id,
            TransportMode = HttpTransportMode.StreamableHttp, // the older kind lets the server say where requests go
            EnableStandaloneGetStream = false,
            MaxReconnectionAttempts = 1,
            AdditionalHeaders = server.SealedToken is { } token ? new Dictionary<string, string> { ["Authorization"] = $"Bearer {master.OpenToken(token)}" } : null,
        };
#pragma warning disable RS0030 // the transport takes no handler, but a client; this one goes through the guard like every other
        var client = new HttpClient(new BoundedAnswers(http.HandlerFor(address)));
#pragma warning restore RS0030
        client.Timeout = Timeout.InfiniteTimeSpan; // each call has a limit of its own
        return new HttpClientTransport(options, client, loggerFactory: null, ownsHttpClient: true);
    }
}

internal static class ToolTokens
{
    public static string SealToken(this MasterKey master, string token) => Convert.ToBase64String(master.Wrap(Encoding.UTF8.GetBytes(token)));

    public static string OpenToken(this MasterKey master, string sealedToken) => Encoding.UTF8.GetString(master.Unwrap(Convert.FromBase64String(sealedToken)));
}
