using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Grpc.Net.Client;
using LlmPlatform.Inference.Models;
using Microsoft.Extensions.Logging;

namespace LlmPlatform.Inference.Workers;

/// <summary>The operating system's side of a worker: the process, its three pipes and its socket.</summary>
internal sealed partial class WorkerProcess : IDisposable
{
    private readonly Process process;
    private readonly string socket;
    private readonly ILogger logger;

    private WorkerProcess(Process process, string socket, ILogger logger)
    {
        this.process = process;
        this.socket = socket;
        this.logger = logger;
    }

    public int Id => process.Id;

    public int ExitCode => process.ExitCode;

    /// <summary>Starts a worker for a model file. Throws <see cref="System.ComponentModel.Win32Exception"/> where there is nothing to start.</summary>
    public static WorkerProcess Start(EngineFiles files, LoadPlan plan, MemoryEstimate memory, string socket, ILogger logger)
    {
        List<string> arguments = ["--socket", socket, "--model", plan.Path, "--kv-type", plan.KvCacheType.Name()];
        Add("--context", plan.Settings.ContextTokens);
        Add("--threads", plan.Settings.Threads);
        Add("--slots", plan.Settings.Slots);
        Add("--memory", memory.KvCacheBytes > 0 ? memory.KvCacheBytes : null);
        var process = new Process { StartInfo = files.Command("serve", arguments) };
        var worker = new WorkerProcess(process, socket, logger);
        process.ErrorDataReceived += (_, line) => worker.Relay(line.Data);
        process.Start();
        process.BeginErrorReadLine();
        return worker;

        void Add(string name, long? value)
        {
            if (value is not null)
            {
                arguments.AddRange([name, value.Value.ToString(CultureInfo.InvariantCulture)]);
            }
        }
    }

    /// <summary>Completes when the socket accepts; throws <see cref="IOException"/> where the process ends before.</summary>
    public async Task ListeningAsync(CancellationToken cancellation)
    {
        if (await process.StandardOutput.ReadLineAsync(cancellation) != "listening")
        {
            throw new IOException("The worker did not come up.");
        }
    }

    public GrpcChannel Connect()
    {
        var endPoint = new UnixDomainSocketEndPoint(socket);
        return GrpcChannel.ForAddress("http://worker", new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                UseProxy = false,
                ConnectCallback = async (_, cancellation) =>
                {
                    var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    try
                    {
                        await connection.ConnectAsync(endPoint, cancellation);
                        return new NetworkStream(connection, ownsSocket: true);
                    }
                    catch
                    {
                        connection.Dispose();
                        throw;
                    }
                },
            },
            DisposeHttpClient = true,
            MaxReceiveMessageSize = null, // steps are as large as what they carry, and the worker is ours
            MaxRetryAttempts = 0,
        });
    }

    /// <summary>Ends the process, unless it has ended by itself, and waits until it is gone. There is nothing in it to save.</summary>
    public async Task EndAsync()
    {
        process.EndNow();
        await process.WaitForExitAsync(CancellationToken.None);
        File.Delete(socket);
    }

    public void Dispose() => process.Dispose();

    private void Relay(string? line)
    {
        if (!string.IsNullOrWhiteSpace(line))
        {
            LogLine(logger, process.Id, line);
        }
    }

    [LoggerMessage(LogLevel.Information, "Worker {ProcessId}: {Line}")]
    private static partial void LogLine(ILogger logger, int processId, string line);
}
