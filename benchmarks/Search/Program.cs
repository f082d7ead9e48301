// How long a search of the catalogue takes, as a caller sees it: HTTP, facets and verdicts included.
//   dotnet run -c Release --project benchmarks/Search -- [rows (100000)] [rounds (60)]
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using LlmPlatform.Explore.Catalogue;
using LlmPlatform.Host;
using LlmPlatform.Measuring;
using LlmPlatform.Search;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

const double Target = 50;
var rows = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 100_000;
var rounds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 60;
var folder = Directory.CreateTempSubdirectory("llmp-search-");
folder.UnixFileMode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute; // or the database of a host that root starts moves elsewhere
const string email = "admin@example.com", password = "correct horse battery";

await using (var platform = await Platform.StartAsync(
    ["--Urls=http://127.0.0.1:0", $"--Data:Path={folder.FullName}/data", $"--Setup:Email={email}", $"--Setup:Password={password}", "--Hub:Endpoint=", "--Logging:Level=Warning"],
    adjust: null,
    CancellationToken.None))
{
    await FillAsync(platform, rows);
    using var client = new HttpClient { BaseAddress = platform.Address };
    var token = await (await client.PostAsJsonAsync("/api/v1/auth/token", new { email, password })).Content.ReadFromJsonAsync<JsonElement>();
    client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token.GetProperty("accessToken").GetString());

    var report = new Report($"Search over {rows} models");
    var all = new List<double>();
    for (var round = -3; round < rounds; round++) // the first three warm up
    {
        foreach (var (name, questions) in Questions.All)
        {
            var took = await AskAsync(client, questions[(round + 3) % questions.Length]);
            if (round >= 0)
            {
                report.Add(name, "ms", took, Target);
                all.Add(took);
            }
        }

        // Each page is asked for with the cursor of the one before it.
        string? cursor = null;
        for (var page = 0; page < 10 && (page == 0 || cursor is not null); page++)
        {
            var since = Stopwatch.GetTimestamp();
            var answer = await client.GetFromJsonAsync<JsonElement>($"/api/v1/explore/models?{Questions.Deep[Math.Max(0, round) % Questions.Deep.Length]}&cursor={cursor}");
            cursor = answer.GetProperty("nextCursor").GetString();
            if (round >= 0)
            {
                report.Add("page 1 to 10 of many", "ms", Stopwatch.GetElapsedTime(since).TotalMilliseconds, Target);
                all.Add(Stopwatch.GetElapsedTime(since).TotalMilliseconds);
            }
        }
    }

    report.Add("all: p50", "ms", all.Percentile(50));
    report.Add("all: p95", "ms", all.Percentile(95), Target);
    report.Add("all: p99", "ms", all.Percentile(99));
    var root = AppContext.BaseDirectory[..AppContext.BaseDirectory.IndexOf("artifacts", StringComparison.Ordinal)];
    report.Write(Path.Combine(root, "artifacts/benchmarks/search.json"));
}

folder.Delete(recursive: true);
return 0;

static async Task FillAsync(Platform platform, int rows)
{
    var since = Stopwatch.GetTimestamp();
    var writer = platform.App.Services.GetRequiredService<ModelWriter>();
    foreach (var chunk in Catalogue.Rows(rows).Chunk(2000))
    {
        await writer.WriteAsync(chunk, CancellationToken.None);
    }

    await using var analyse = platform.App.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("vacuum analyze explore.models");
    analyse.CommandTimeout = 300;
    await analyse.ExecuteNonQueryAsync();
    Console.WriteLine($"{rows} models were written in {Stopwatch.GetElapsedTime(since).TotalSeconds:0} s");
}

static async Task<double> AskAsync(HttpClient client, string question)
{
    var since = Stopwatch.GetTimestamp();
    using var answer = await client.GetAsync($"/api/v1/explore/models?{question}");
    answer.EnsureSuccessStatusCode();
    await answer.Content.ReadAsByteArrayAsync();
    return Stopwatch.GetElapsedTime(since).TotalMilliseconds;
}
