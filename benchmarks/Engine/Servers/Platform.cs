using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using LlmPlatform.Measuring;

namespace LlmPlatform.Benchmarks.Servers;

/// <summary>Our host with two people on it. It serves every case; a model is installed when a case first needs it.</summary>
internal sealed partial class Platform : IAsyncDisposable
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

    private sealed partial class Side(HttpClient administrator, HttpClient client, string model, string firstKey, string otherKey) : IServer
    {
        public string Name => "ours";

        public OpenAiEndpoint Endpoint { get; } = new(client, model, firstKey);

        public OpenAiEndpoint OtherPerson { get; } = new(client, model, otherKey);

        public async Task<int?> RunningAsync()
        {
            var details = await administrator.GetFromJsonAsync<JsonElement>($"/api/v1/inference/models/{model}");
            if (details.TryGetProperty("running", out var running) && running.ValueKind == JsonValueKind.Number)
            {
                return running.GetInt32();
            }

            var gauge = RunningGauge().Match(await administrator.GetStringAsync("/metrics"));
            return gauge.Success ? (int)double.Parse(gauge.Groups["value"].Value, CultureInfo.InvariantCulture) : null;
        }

        [GeneratedRegex(@"^(llmplatform|gen_ai)\w*running\w*(\{[^}]*\})? (?<value>[0-9.]+)", RegexOptions.Multiline)]
        private static partial Regex RunningGauge();
    }
}
