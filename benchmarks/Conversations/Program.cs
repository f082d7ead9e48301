// What conversations cost: many replies that are streamed at once by a model that keeps time, and lists of many long conversations.
//   dotnet run -c Release --project benchmarks/Conversations -- [streams (200)] [seconds (30)] [conversations (1000)] [messages of each (1000)]
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using LlmPlatform.Conversations;
using LlmPlatform.Host;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Measuring;
using Microsoft.Extensions.DependencyInjection;

if (args is ["readers", ..])
{
    return await Readers.RunAsync(args[1..]); // a process of its own, so that the readers' memory is not the host's
}

const string email = "admin@example.com", password = "correct horse battery";
const double LongestDelay = 100, LargestStream = 64, LongestList = 200;
var numbers = args.Select(arg => int.Parse(arg, CultureInfo.InvariantCulture)).ToArray();
var (streams, seconds, conversations, messages) = (At(0, 200), At(1, 30), At(2, 1000), At(3, 1000));
var folder = Directory.CreateTempSubdirectory("llmp-conversations-");
folder.UnixFileMode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute; // or the database of a host that root starts moves elsewhere
var report = new Report("Conversations");
await using (var platform = await Platform.StartAsync(
    ["--Urls=http://127.0.0.1:0", $"--Data:Path={folder.FullName}/data", $"--Setup:Email={email}", $"--Setup:Password={password}", "--Hub:Endpoint=", "--Logging:Level=Warning",
        "--RateLimits:KeyPerMinute=0", "--RateLimits:UserPerMinute=0", "--RateLimits:AnonymousPerMinute=0", "--Chat:Titles=false"],
    builder =>
    {
        builder.Services.AddSingleton<ITextGenerator>(new TimekeepingModel(TimeSpan.FromMilliseconds(50), seconds * 20));
        builder.Services.AddSingleton<IModelCatalog>(new OneModel());
    },
    CancellationToken.None))
{
    using var client = new HttpClient { BaseAddress = platform.Address };
    var pair = await (await client.PostAsJsonAsync("/api/v1/auth/token", new { email, password })).Content.ReadFromJsonAsync<JsonElement>();
    client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", pair.GetProperty("accessToken").GetString());
    var key = (await (await client.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "measured" })).Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString()!;

    if (streams > 0)
    {
        await StreamAsync(platform.Address, key);
    }

    if (conversations > 0)
    {
        await ListAsync(platform, client);
    }
}

report.Write("artifacts/benchmarks/conversations.json");
folder.Delete(recursive: true);
return 0;

int At(int index, int otherwise) => numbers.Length > index ? numbers[index] : otherwise;

async Task StreamAsync(Uri address, string key)
{
    await ReadAsync(10, 2); // warm
    var (heap, resident) = (GC.GetTotalMemory(forceFullCollection: true), Environment.WorkingSet);
    var reading = ReadAsync(streams, seconds);
    await Task.Delay(TimeSpan.FromSeconds(seconds * 0.6));
    report.Add($"{streams} streams: managed memory of each", "KiB", (GC.GetTotalMemory(forceFullCollection: true) - heap) / 1024.0 / streams, LargestStream);
    report.Add($"{streams} streams: resident memory of each", "KiB", (Environment.WorkingSet - resident) / 1024.0 / streams);
    var read = await reading;
    foreach (var percentile in (double[])[50, 99, 99.9])
    {
        report.Add($"{streams} streams at 20 tokens/s: added delay p{percentile.ToString(CultureInfo.InvariantCulture)}", "ms", read.Delays.Percentile(percentile), percentile == 99 ? LongestDelay : null);
    }

    report.Add($"{streams} streams: tokens lost or out of order", "", read.Wrong, 0);
    report.Add($"{streams} streams: tokens read", "", read.Delays.Count);

    Task<(List<double> Delays, int Wrong)> ReadAsync(int count, int length) => Readers.StartAsync(address, key, count, length * 20);
}

async Task ListAsync(Platform platform, HttpClient client)
{
    var longest = await Filling.FillAsync(platform.App.Services, client, conversations, messages);
    for (var round = -5; round < 300; round++)
    {
        await MeasureAsync("first page of the list (50)", "/api/v1/chat/conversations", LongestList, round);
        await MeasureAsync("search, one word", $"/api/v1/chat/conversations?query={Filling.Word(round + 5)}", LongestList, round);
        await MeasureAsync("search, mistyped", $"/api/v1/chat/conversations?query={Filling.Mistyped(round + 5)}", LongestList, round);
        if (round % 10 == 0)
        {
            await MeasureAsync($"a conversation of {messages} messages", $"/api/v1/chat/conversations/{longest}", LongestList, round);
        }
    }

    async Task MeasureAsync(string name, string path, double target, int round)
    {
        var since = Stopwatch.GetTimestamp();
        using var answer = await client.GetAsync(path);
        _ = await answer.EnsureSuccessStatusCode().Content.ReadAsByteArrayAsync();
        if (round >= 0)
        {
            report.Add($"{name}, {conversations} × {messages}", "ms", Stopwatch.GetElapsedTime(since).TotalMilliseconds, target);
        }
    }
}
