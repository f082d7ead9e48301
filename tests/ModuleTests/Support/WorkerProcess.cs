extern alias engine;

using System.Diagnostics;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using LlmPlatform.Inference.Engine.Protocol;
using Xunit;

namespace LlmPlatform.ModuleTests.Support;

/// <summary>A real engine worker with the one call that a host opens to it.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    private readonly DirectoryInfo folder;
    private readonly GrpcChannel channel;
    private readonly AsyncDuplexStreamingCall<HostFrame, WorkerFrame> call;
    private readonly Queue<Event> pending = new();
    private ulong lastId;

    private WorkerProcess(Process process, DirectoryInfo folder, string socket)
    {
        Process = process;
        this.folder = folder;
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
        call = new LlmPlatform.Inference.Engine.Protocol.Engine.EngineClient(channel).Run();
    }

    internal Process Process { get; }

    internal Ready? Ready { get; private set; }

    /// <summary>What the worker last said of its load.</summary>
    internal Load Load { get; private set; } = new();

    internal static string EngineAssembly { get; } = typeof(engine::Program).Assembly.Location;

    internal static CancellationToken Timeout => TestContext.Current.CancellationToken;

    /// <summary>Starts the engine with any arguments; stdin stays open until the caller closes it.</summary>
    internal static Process StartEngine(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", EngineAssembly, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["GGML_NO_BACKTRACE"] = "1";
        return Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start.");
    }

    /// <summary>Runs the engine to its end.</summary>
    internal static async Task<(int ExitCode, string Output, string Error)> RunEngineAsync(params string[] arguments)
    {
        using var process = StartEngine(arguments);
        var output = process.StandardOutput.ReadToEndAsync(Timeout);
        var error = process.StandardError.ReadToEndAsync(Timeout);
        await process.WaitForExitAsync(Timeout);
        return (process.ExitCode, await output, await error);
    }

    internal static async Task<WorkerProcess> StartAsync(string model, params string[] more)
    {
        var folder = Directory.CreateTempSubdirectory("worker");
        var socket = Path.Combine(folder.FullName, "engine.sock");
        var process = StartEngine(["serve", "--native", NativeRuntimes.Llama, "--socket", socket, "--model", model, .. more]);
        _ = process.StandardError.ReadToEndAsync(Timeout);
        var line = await process.StandardOutput.ReadLineAsync(Timeout);
        Assert.Equal("listening", line);
        return new WorkerProcess(process, folder, socket);
    }

    internal static async Task<WorkerProcess> StartReadyAsync(string model, params string[] more)
    {
        var worker = await StartAsync(model, more);
        while (worker.Ready is null)
        {
            var frame = await worker.ReadFrameAsync();
            Assert.Null(frame.LoadFailed);
            worker.Ready = frame.Ready;
        }

        return worker;
    }

    internal async Task<ulong> SubmitAsync(Submit request)
    {
        request.Id = ++lastId;
        request.Sampling ??= new Sampling();
        await call.RequestStream.WriteAsync(new HostFrame { Submit = request }, Timeout);
        return request.Id;
    }

    internal Task CancelAsync(ulong id) => call.RequestStream.WriteAsync(new HostFrame { Cancel = new Cancel { Id = id } }, Timeout);

    /// <summary>Ends the call as a host does that goes away.</summary>
    internal Task EndCallAsync() => call.RequestStream.CompleteAsync();

    internal async Task<WorkerFrame> ReadFrameAsync()
    {
        Assert.True(await call.ResponseStream.MoveNext(Timeout), "The worker ended the call.");
        return call.ResponseStream.Current;
    }

    internal async Task<Event> ReadEventAsync()
    {
        while (pending.Count == 0)
        {
            var frame = await ReadFrameAsync();
            Load = frame.Step?.Load ?? Load;
            foreach (var news in frame.Step?.Events ?? [])
            {
                pending.Enqueue(news);
            }
        }

        return pending.Dequeue();
    }

    /// <summary>Reads on until every one of these requests is over.</summary>
    internal async Task<Dictionary<ulong, Generation>> ReadToEndAsync(params ulong[] ids)
    {
        var open = new HashSet<ulong>(ids);
        var result = ids.ToDictionary(id => id, _ => new Generation());
        while (open.Count > 0)
        {
            var news = await ReadEventAsync();
            if (result.TryGetValue(news.Id, out var generation))
            {
                generation.Events.Add(news);
                if (generation.IsOver)
                {
                    open.Remove(news.Id);
                }
            }
        }

        return result;
    }

    internal async Task<Generation> GenerateAsync(Submit request)
    {
        var id = await SubmitAsync(request);
        return (await ReadToEndAsync(id))[id];
    }

    public async ValueTask DisposeAsync()
    {
        call.Dispose();
        channel.Dispose();
        if (!Process.HasExited)
        {
            Process.Kill();
            await Process.WaitForExitAsync(CancellationToken.None);
        }

        Process.Dispose();
        folder.Delete(recursive: true);
    }
}

/// <summary>What a worker said about one request.</summary>
internal sealed class Generation
{
    internal List<Event> Events { get; } = [];

    internal string Text => string.Concat(Events.Select(news => news.Delta?.Text));

    internal Finished? Finished => Events.LastOrDefault()?.Finished;

    internal Failed? Failed => Events.LastOrDefault()?.Failed;

    internal bool IsOver => Finished is not null || Failed is not null;
}
