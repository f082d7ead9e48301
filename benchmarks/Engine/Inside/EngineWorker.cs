using System.Diagnostics;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.Measuring;

namespace LlmPlatform.Benchmarks.Inside;

/// <summary>The published engine worker without its host.</summary>
internal sealed class EngineWorker : IAsyncDisposable
{
    private readonly Process process;
    private readonly GrpcChannel channel;
    private readonly AsyncDuplexStreamingCall<HostFrame, WorkerFrame> call;
    private ulong lastId;

    private EngineWorker(Process process, string socket)
    {
        this.process = process;
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellation);
                return new NetworkStream(connection, ownsSocket: true);
            },
        };
        channel = GrpcChannel.ForAddress("http://worker", new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
        call = new Inference.Engine.Protocol.Engine.EngineClient(channel).Run();
    }

    public static async Task<EngineWorker> StartAsync(string model, string socket)
    {
        var published = Path.GetDirectoryName(PublishedHost.DefaultPath)!;
        string[] arguments =
        [
            "exec", Path.Combine(published, "engine/Inference.Engine.dll"),
            "serve", "--native", Path.Combine(published, "native/llama"), "--socket", socket, "--model", model,
        ];
        var process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        if (await process.StandardOutput.ReadLineAsync() != "listening")
        {
            throw new InvalidOperationException("The worker did not come up.");
        }

        return new EngineWorker(process, socket);
    }

    /// <summary>Tokens per second after the first one: by the worker's own clock where it tells, else by ours.</summary>
    public async Task<double> DecodeAsync(string prompt, uint tokens)
    {
        var submit = new Submit
        {
            Id = ++lastId,
            Tenant = "benchmark",
            Text = prompt,
            MaxTokens = tokens,
            Sampling = new Sampling { IgnoreEos = true },
        };
        await call.RequestStream.WriteAsync(new HostFrame { Submit = submit });
        var (first, last) = (0L, 0L);
        var before = 0u; // tokens that were there when our clock began
        while (await call.ResponseStream.MoveNext(default))
        {
            foreach (var news in call.ResponseStream.Current.Step?.Events ?? [])
            {
                switch (news.NewsCase)
                {
                    case Event.NewsOneofCase.Delta:
                        last = Stopwatch.GetTimestamp();
                        (first, before) = first == 0 ? (last, news.Delta.Tokens) : (first, before);
                        break;
                    case Event.NewsOneofCase.Failed:
                        throw new InvalidOperationException(news.Failed.Message);
                    case Event.NewsOneofCase.Finished:
                        var made = news.Finished.Usage.CompletionTokens;
                        return news.Finished.Timings is { Decode: > 0 } timings
                            ? (made - 1) / TimeSpan.FromMicroseconds(timings.Decode).TotalSeconds
                            : (made - before) / Stopwatch.GetElapsedTime(first, last).TotalSeconds;
                }
            }
        }

        throw new InvalidOperationException("The worker ended.");
    }

    public async ValueTask DisposeAsync()
    {
        call.Dispose();
        channel.Dispose();
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
