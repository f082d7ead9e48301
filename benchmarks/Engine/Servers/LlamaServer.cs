using System.Diagnostics;
using System.Globalization;
using LlmPlatform.Measuring;

namespace LlmPlatform.Benchmarks.Servers;

/// <summary>llama-server with one model, for as many streams as a case has.</summary>
internal sealed class LlamaServer : IServer, IAsyncDisposable
{
    // Our worker lowers its priority by as much: a busy neighbour then takes as much from the one as from the other.
    public const int Niceness = 10;
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(20);
    private readonly Process process;
    private readonly HttpClient client;

    private LlamaServer(Process process, Uri address, int threads)
    {
        this.process = process;
        client = new HttpClient { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
        Name = $"-t {threads}";
        Endpoint = OtherPerson = new OpenAiEndpoint(client, "model", "none");
    }

    public string Name { get; }

    public OpenAiEndpoint Endpoint { get; }

    public OpenAiEndpoint OtherPerson { get; }

    public static async Task<LlamaServer> StartAsync(string program, string model, int streams, int contextTokens, int threads, string log)
    {
        var port = LocalPort.Free();
        var process = Start(
            program,
            ["-m", model, "--port", Text(port), "-np", Text(streams), "-c", Text(streams * contextTokens), "-t", Text(threads), "-tb", Text(threads)],
            log);
        var server = new LlamaServer(process, new Uri($"http://127.0.0.1:{port}"), threads);
        while (!await server.IsReadyAsync())
        {
            if (process.HasExited)
            {
                throw new InvalidOperationException($"{program} ended with exit code {process.ExitCode}; see {log}.");
            }

            await Task.Delay(LookAgain);
        }

        return server;

        static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
    }

    public Task<EngineCounters> CountersAsync() => throw new NotSupportedException("llama-server does not count this.");

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private async Task<bool> IsReadyAsync()
    {
        try
        {
            using var answer = await client.GetAsync("/health");
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false; // it does not listen yet
        }
    }

    // exec, so that the process that we end is the server and not a shell before it
    private static Process Start(string program, IEnumerable<string> arguments, string log)
    {
        string[] line = ["-c", $"exec nice -n {Niceness} \"$0\" \"$@\" >>\"$LOG\" 2>&1", Path.GetFullPath(program), .. arguments];
        var start = new ProcessStartInfo("/bin/sh", line);
        start.Environment["LOG"] = log;
        return Process.Start(start)!;
    }
}
