// How long a start takes, and what the platform weighs when nobody asks.
//   dotnet build src/Host -c Release && dotnet run -c Release --project benchmarks/Startup -- <model.gguf> [runs] [idle seconds]
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using LlmPlatform.Measuring;

if (args is not [var model, ..])
{
    Console.Error.WriteLine("Name a small model file (GGUF), then perhaps the number of runs (5) and of idle seconds (60).");
    return 2;
}

var runs = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 5;
var idle = TimeSpan.FromSeconds(args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 60);
var report = new Report("Startup of the Release host");
var folder = Directory.CreateTempSubdirectory("llmp-startup-");
folder.UnixFileMode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute; // or the database of a host that root starts moves elsewhere
var data = Path.Combine(folder.FullName, "data-0");
var key = "";

for (var run = 0; run < runs; run++)
{
    await using var cold = await PublishedHost.StartAsync(PublishedHost.DefaultPath, Path.Combine(folder.FullName, $"data-{run}"));
    report.Add("ready, cold (no data folder)", "ms", cold.ReadyAfter.TotalMilliseconds, 10_000);
    if (run == 0)
    {
        key = await cold.NewKeyAsync();
        await cold.InstallAsync(model, "tiny");
    }
}

for (var run = 0; run < runs; run++)
{
    await using var warm = await PublishedHost.StartAsync(PublishedHost.DefaultPath, data);
    report.Add("ready, warm (data folder exists)", "ms", warm.ReadyAfter.TotalMilliseconds, 3_000);
    warm.Use(key);

    var asked = Stopwatch.GetTimestamp();
    (await warm.Client.GetAsync("/v1/models")).EnsureSuccessStatusCode();
    report.Add("first authenticated request (GET /v1/models)", "ms", Stopwatch.GetElapsedTime(asked).TotalMilliseconds, 300);

    report.Add("first token, model not loaded (POST /v1/completions)", "ms", (await FirstTokenAsync(warm)).TotalMilliseconds, 2_000);
    report.Add("first token, model loaded", "ms", (await FirstTokenAsync(warm)).TotalMilliseconds);
    if (run == runs - 1)
    {
        await Task.Delay(idle);
        var memory = warm.MemoryByProgram();
        foreach (var (program, size) in memory)
        {
            report.Add($"idle {idle.TotalSeconds} s: {(program is "dotnet" ? "engine worker" : program)}", "MiB", size);
        }

        report.Add($"idle {idle.TotalSeconds} s: host and PostgreSQL", "MiB", memory.Where(m => m.Key is "Host" or "postgres").Sum(m => m.Value), 250);
    }
}

report.Write(Path.Combine(PublishedHost.RepositoryRoot, "artifacts/benchmarks/startup.json"));
folder.Delete(recursive: true);
return 0;

static async Task<TimeSpan> FirstTokenAsync(PublishedHost host)
{
    var asked = Stopwatch.GetTimestamp();
    using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
    {
        Content = JsonContent.Create(new { model = "tiny", prompt = "Once upon a time", max_tokens = 8, stream = true }),
    };
    using var answer = await host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    using var lines = new StreamReader(await answer.EnsureSuccessStatusCode().Content.ReadAsStreamAsync());
    while (await lines.ReadLineAsync() is { } line)
    {
        if (line.StartsWith("data: ", StringComparison.Ordinal) && line.Contains("\"text\":\"", StringComparison.Ordinal) && !line.Contains("\"text\":\"\"", StringComparison.Ordinal))
        {
            var first = Stopwatch.GetElapsedTime(asked);
            await lines.ReadToEndAsync();
            return first;
        }
    }

    throw new InvalidOperationException("The stream ended without a token.");
}
