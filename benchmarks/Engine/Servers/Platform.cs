using System.Globalization;
using LlmPlatform.Measuring;

namespace LlmPlatform.Benchmarks.Servers;

/// <summary>Our host with two people on it. It serves every case; a model is installed when a case first needs it.</summary>
internal sealed class Platform : IAsyncDisposable
{
    private readonly PublishedHost host;
    private readonly string firstKey;
    private readonly string otherKey;
    private readonly HttpClient client;
    private readonly HashSet<string> installed = [];

    private Platform(PublishedHost host, string firstKey, string otherKey)
    {
        (this.host, this.firstKey, this.otherKey) = (host, firstKey, otherKey);
        client = new HttpClient { BaseAddress = host.Client.BaseAddress, Timeout = Timeout.InfiniteTimeSpan };
    }

    public static async Task<Platform> StartAsync(string data, IEnumerable<string> settings)
    {
        var host = await PublishedHost.StartAsync(PublishedHost.DefaultPath, data, [.. settings]);
        await host.NewKeyAsync();
        return new Platform(host, await host.NewUserKeyAsync("first@example.com"), await host.NewUserKeyAsync("other@example.com"));
    }

    public async Task<IServer> ServeAsync(BenchmarkModel model, string file)
    {
        if (installed.Add(model.Name))
        {
            await host.InstallAsync(file, model.Name);
        }

        return new Side(host.Client, client, model.Name, firstKey, otherKey);
    }

    public ValueTask DisposeAsync()
    {
        client.Dispose();
        return host.DisposeAsync();
    }

    private sealed class Side(HttpClient administrator, HttpClient client, string model, string firstKey, string otherKey) : IServer
    {
        public string Name => "ours";

        public OpenAiEndpoint Endpoint { get; } = new(client, model, firstKey);

        public OpenAiEndpoint OtherPerson { get; } = new(client, model, otherKey);

        public async Task<EngineCounters> CountersAsync()
        {
            var metrics = await administrator.GetStringAsync("/metrics");
            return new EngineCounters(Value("cancel_latency_seconds_count"), Value("cancel_latency_seconds_sum"), Value("steps_total"), Value("step_time_seconds_total"));

            double Value(string name)
            {
                var line = metrics.Split('\n').FirstOrDefault(l => l.StartsWith($"llmplatform_inference_{name}{{", StringComparison.Ordinal) && l.Contains($"\"{model}\"", StringComparison.Ordinal));
                return line is null ? 0 : double.Parse(line[(line.LastIndexOf('}') + 1)..].Trim().Split(' ')[0], CultureInfo.InvariantCulture);
            }
        }
    }
}
