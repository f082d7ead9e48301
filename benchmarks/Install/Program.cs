// What an install of a large model costs, from a web server of this machine.
//   dotnet build src/Host -c Release && dotnet run -c Release --project benchmarks/Install -- <large model.gguf>
using System.Diagnostics;
using System.Text.Json;
using LlmPlatform.Measuring;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

if (args is not [var model, ..] || !File.Exists(model))
{
    Console.Error.WriteLine("Name a large model file (GGUF).");
    return 2;
}

const double Mebibyte = 1 << 20;
var bytes = new FileInfo(model).Length;
var report = new Report($"Install of {bytes / Mebibyte:0} MiB by the Release host");
var folder = Directory.CreateTempSubdirectory("llmp-install-");
folder.UnixFileMode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute; // or the database of a host that root starts moves elsewhere
await using var server = await ServeAsync(Path.GetFullPath(model));
var source = new Uri(new Uri(server.Urls.First()), "model.gguf").ToString();
var data = Path.Combine(folder.FullName, "data");
string[] settings = ["--Inference:AllowedAddresses:0=127.0.0.0/8", "--Hub:Endpoint="];

string id;
await using (var host = await PublishedHost.StartAsync(PublishedHost.DefaultPath, data, settings))
{
    await host.NewKeyAsync();
    var before = HeapOf(host);
    var started = Stopwatch.GetTimestamp();
    id = (await host.PostAsync("/api/v1/inference/installs", new { source, name = "large" })).GetProperty("id").GetString()!;
    var (peak, whole) = await WatchAsync(host, before, started, install => install.GetProperty("completedBytes").GetInt64() >= bytes / 2);
    report.Add("heap above idle, downloading", "MiB", peak, 64);
    report.Add("speed, hashing while writing", "MiB/s", bytes / 2 / Mebibyte / whole.TotalSeconds);
}

await using (var host = await PublishedHost.StartAsync(PublishedHost.DefaultPath, data, settings))
{
    await host.NewKeyAsync();
    var before = HeapOf(host);
    var (peak, rest) = await WatchAsync(host, before, Stopwatch.GetTimestamp(), install => install.GetProperty("state").GetString() is "succeeded" or "failed");
    report.Add("heap above idle, going on after a restart", "MiB", peak, 64);
    report.Add("from the restart to the end (reads the half on disk once more)", "s", rest.TotalSeconds);
    Console.WriteLine((await host.Client.GetStringAsync($"/api/v1/inference/installs/{id}")));
}

report.Write(Path.Combine(PublishedHost.RepositoryRoot, "artifacts/benchmarks/install.json"));
folder.Delete(recursive: true);
return 0;

// Memory of the host's process that belongs to no file: the managed heap, and what else it allocates.
static double HeapOf(PublishedHost host) =>
    ProcessTree.ReadOrEmpty($"/proc/{host.ProcessId}/smaps_rollup").Split('\n').Where(line => line.StartsWith("Anonymous:", StringComparison.Ordinal))
        .Sum(line => double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1])) / 1024;

async Task<(double Peak, TimeSpan Elapsed)> WatchAsync(PublishedHost host, double before, long started, Func<JsonElement, bool> isOver)
{
    for (var peak = 0.0; ;)
    {
        peak = Math.Max(peak, HeapOf(host) - before);
        var install = JsonDocument.Parse(await host.Client.GetStringAsync($"/api/v1/inference/installs/{id}")).RootElement;
        if (isOver(install))
        {
            return (peak, Stopwatch.GetElapsedTime(started));
        }

        await Task.Delay(TimeSpan.FromMilliseconds(100));
    }
}

static async Task<WebApplication> ServeAsync(string file)
{
    var builder = WebApplication.CreateSlimBuilder();
    builder.Logging.ClearProviders();
    var app = builder.Build();
    app.Urls.Add("http://127.0.0.1:0");
    app.MapGet("/model.gguf", () => Results.File(file, enableRangeProcessing: true, lastModified: File.GetLastWriteTimeUtc(file)));
    await app.StartAsync();
    return app;
}
