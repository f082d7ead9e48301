using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;

namespace LlmPlatform.Conversations;

/// <summary>Clients that read replies to their end, in a process of their own.</summary>
internal static class Readers
{
    public static async Task<(List<double> Delays, int Wrong)> StartAsync(Uri address, string key, int streams, int tokens)
    {
        string[] arguments = ["readers", address.ToString(), key, $"{streams}", $"{tokens}"];
        var program = Environment.ProcessPath!;
        using var process = Process.Start(new ProcessStartInfo(program, Path.GetFileNameWithoutExtension(program) == "dotnet" ? [typeof(Readers).Assembly.Location, .. arguments] : arguments)
        {
            RedirectStandardOutput = true,
        })!;
        var said = (await process.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? ([.. said[1..].Select(line => double.Parse(line, CultureInfo.InvariantCulture))], int.Parse(said[0], CultureInfo.InvariantCulture))
            : throw new InvalidOperationException("The readers failed.");
    }

    public static async Task<int> RunAsync(string[] args)
    {
        using var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = int.MaxValue }) { BaseAddress = new Uri(args[0]), Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.Add("x-api-key", args[1]);
        var tokens = int.Parse(args[3], CultureInfo.InvariantCulture);
        var read = await Task.WhenAll(Enumerable.Range(0, int.Parse(args[2], CultureInfo.InvariantCulture)).Select(_ => ReadAsync(client, tokens)));
        var lines = new StringBuilder().Append(read.Sum(r => r.Wrong)).Append('\n');
        foreach (var delay in read.SelectMany(r => r.Delays))
        {
            lines.Append(delay.ToString("0.00", CultureInfo.InvariantCulture)).Append('\n');
        }

        Console.Write(lines);
        return 0;
    }

    private static async Task<(List<double> Delays, int Wrong)> ReadAsync(HttpClient client, int tokens)
    {
        var started = await (await client.PostAsJsonAsync("/api/v1/chat/conversations", new { model = "clock" })).Content.ReadFromJsonAsync<JsonElement>();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/v1/chat/conversations/{started.GetProperty("id").GetString()}/messages")
        {
            Content = JsonContent.Create(new { content = "tick", maxTokens = tokens }),
        };
        using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var (delays, next, wrong, rest) = (new List<double>(tokens), 0, 0, "");
        await foreach (var item in SseParser.Create(await answer.EnsureSuccessStatusCode().Content.ReadAsStreamAsync()).EnumerateAsync())
        {
            if (item.EventType != "delta")
            {
                continue;
            }

            using var data = JsonDocument.Parse(item.Data);
            foreach (var token in (rest + data.RootElement.GetProperty("text").GetString()).Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                var parts = token.Split(':');
                delays.Add(TimekeepingModel.MillisecondsSince(parts[1]));
                wrong += int.Parse(parts[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture) == next++ ? 0 : 1;
            }
        }

        return (delays, wrong + Math.Abs(tokens - next));
    }
}
