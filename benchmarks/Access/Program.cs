// What it costs to know who asks: one key from the cache, and a host under steady load of keys, refreshes and sign-ins.
//   dotnet run -c Release --project benchmarks/Access -- [seconds of each load (10)]
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using LlmPlatform.Access;
using LlmPlatform.Auth.Credentials;
using LlmPlatform.Host;
using LlmPlatform.Measuring;
using Microsoft.Extensions.DependencyInjection;

const string email = "admin@example.com", password = "correct horse battery";
var length = TimeSpan.FromSeconds(args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 10);
var folder = Directory.CreateTempSubdirectory("llmp-access-");
folder.UnixFileMode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute; // or the database of a host that root starts moves elsewhere
var report = new Report("Who asks");
await using (var platform = await Platform.StartAsync(
    ["--Urls=http://127.0.0.1:0", $"--Data:Path={folder.FullName}/data", $"--Setup:Email={email}", $"--Setup:Password={password}", "--Hub:Endpoint=", "--Logging:Level=Warning",
        "--RateLimits:KeyPerMinute=0", "--RateLimits:UserPerMinute=0", "--RateLimits:AnonymousPerMinute=0"],
    adjust: null,
    CancellationToken.None))
{
    using var client = new HttpClient { BaseAddress = platform.Address };
    var pair = await SignInAsync(client);
    client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", pair.GetProperty("accessToken").GetString());
    var created = await (await client.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "measured" })).Content.ReadFromJsonAsync<JsonElement>();
    var key = created.GetProperty("key").GetString()!;

    // In the process: the very call that the credential handler makes. A miss, once in three seconds, is among them.
    var credentials = platform.App.Services.GetRequiredService<Credentials>();
    var times = new List<double>(200_000);
    for (var i = -5_000; i < 200_000; i++)
    {
        var since = Stopwatch.GetTimestamp();
        _ = await credentials.ReadAsync(key, IPAddress.Loopback, CancellationToken.None) ?? throw new InvalidOperationException("The key is not known.");
        if (i >= 0)
        {
            times.Add(Stopwatch.GetElapsedTime(since).TotalMicroseconds);
        }
    }

    report.Add("one key from the cache: p50", "us", times.Percentile(50), 50);
    report.Add("one key from the cache: p99", "us", times.Percentile(99));

    using var program = new HttpClient { BaseAddress = platform.Address };
    program.DefaultRequestHeaders.Add("x-api-key", key);
    await Load.RunAsync(report, "500 requests a second by key", 500, length, async () => await program.GetAsync("/v1/models"));

    // Each refresh uses the token of the one before it, so there are as many chains as may run at once.
    var chains = new System.Collections.Concurrent.ConcurrentQueue<string>();
    for (var i = 0; i < 16; i++)
    {
        chains.Enqueue((await SignInAsync(client)).GetProperty("refreshToken").GetString()!);
    }

    await Load.RunAsync(report, "50 refreshes a second", 50, length, async () =>
    {
        if (!chains.TryDequeue(out var refreshToken))
        {
            return null; // all of them are under way: the load is behind
        }

        var answer = await client.PostAsJsonAsync("/api/v1/auth/token/refresh", new { refreshToken });
        chains.Enqueue((await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("refreshToken").GetString()!);
        return answer;
    });
    await Load.RunAsync(report, "10 sign-ins a second", 10, length, async () => await client.PostAsJsonAsync("/api/v1/auth/token", new { email, password }), target: 1000);

    // How long a revoked key goes on working, at the moment that is worst: just after it was looked up.
    for (var i = 0; i < 5; i++)
    {
        var one = await (await client.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "ends" })).Content.ReadFromJsonAsync<JsonElement>();
        using var ending = new HttpClient { BaseAddress = platform.Address };
        ending.DefaultRequestHeaders.Add("x-api-key", one.GetProperty("key").GetString());
        (await ending.GetAsync("/v1/models")).EnsureSuccessStatusCode();
        var since = Stopwatch.GetTimestamp();
        (await client.DeleteAsync($"/api/v1/auth/api-keys/{one.GetProperty("id").GetString()}")).EnsureSuccessStatusCode();
        while ((await ending.GetAsync("/v1/models")).StatusCode == HttpStatusCode.OK)
        {
            await Task.Delay(10);
        }

        report.Add("a revoked key works on for", "ms", Stopwatch.GetElapsedTime(since).TotalMilliseconds, 5000);
    }
}

var root = AppContext.BaseDirectory[..AppContext.BaseDirectory.IndexOf("artifacts", StringComparison.Ordinal)];
report.Write(Path.Combine(root, "artifacts/benchmarks/access.json"));
folder.Delete(recursive: true);
return 0;

static async Task<JsonElement> SignInAsync(HttpClient client) =>
    await (await client.PostAsJsonAsync("/api/v1/auth/token", new { email, password })).Content.ReadFromJsonAsync<JsonElement>();
