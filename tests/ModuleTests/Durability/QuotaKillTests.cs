using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Durability;

/// <summary>B22: requests that share a quota, half of their readers leave, and the host is killed in the middle.</summary>
public sealed class QuotaKillTests : IDisposable
{
    private const int Quota = 20_000;
    private readonly DirectoryInfo folder = TemporaryFolder.Create("llmp-quota-kill-");

    [Fact]
    public async Task After_a_kill_the_ledger_says_what_the_recorded_usage_says_and_holds_nothing()
    {
        await using (var file = File.Create(Path.Combine(folder.FullName, "slow.gguf")))
        {
            TinyModel.Write(file, TinyShape.Medium, seed: 3);
        }

        var (seen, used) = (0, 0L);
        await using (var host = await StartAsync())
        {
            using var administrator = await host.AdministratorAsync();
            Assert.Equal("succeeded", (await administrator.InstallAsync($"file://{folder.FullName}/slow.gguf", "slow")).Text("state"));
            (await administrator.PutAsJsonAsync("/api/v1/auth/quotas/each-user", new { tokensPerDay = Quota })).EnsureSuccessStatusCode();
            var readers = Enumerable.Range(0, 50).Select(i => ReadAsync(administrator, leavesAfter: i % 2 == 0 ? 5 : int.MaxValue, () => Interlocked.Increment(ref seen))).ToList();

            // The host writes every two seconds what runs: after five, all that runs has been written once, and something is not written yet.
            var begun = TimeProvider.System.GetTimestamp();
            var before = await Eventually.Async(
                () => StateAsync(administrator),
                state => state is { Held: > 0, Used: > 0 } && Volatile.Read(ref seen) > 50 && TimeProvider.System.GetElapsedTime(begun) > TimeSpan.FromSeconds(5));
            Assert.InRange(before.Used + before.Held, 1, Quota);
            used = before.Used;
            await host.KillAsync();
            await Task.WhenAll(readers);
            Assert.Contains(HttpStatusCode.TooManyRequests, await Task.WhenAll(readers));
        }

        await using (var host = await StartAsync())
        {
            using var administrator = await host.AdministratorAsync();
            var state = await Eventually.Async(() => StateAsync(administrator), state => state is { Held: 0, RequestsHeld: 0 });
            Assert.InRange(state.Used, used + 1, Quota); // what ran is not forgotten
            await Eventually.Async(
                () => administrator.GetJsonAsync("/api/v1/inference/usage"),
                bill => (Sum(bill, "promptTokens") + Sum(bill, "completionTokens"), Sum(bill, "requests")) == (state.Used, state.Requests));

            // And what was held can be used again.
            var left = Quota - state.Used;
            Assert.True(left > 2000, $"only {left} tokens came back");
            var answer = await administrator.PostAsJsonAsync("/v1/completions", new { model = "slow", prompt = "Once", max_tokens = 20, ignore_eos = true });
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    public void Dispose() => folder.Delete(recursive: true);

    private Task<ReleaseHost> StartAsync() => ReleaseHost.StartAsync(Path.Combine(folder.FullName, "data"), folder.FullName);

    private static async Task<HttpStatusCode> ReadAsync(HttpClient client, int leavesAfter, Action saw)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
            {
                Content = JsonContent.Create(new { model = "slow", prompt = "Once", max_tokens = 1500, ignore_eos = true, stream = true }),
            };
            using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            if (answer.StatusCode == HttpStatusCode.OK)
            {
                using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync());
                for (var i = 0; i < leavesAfter && await lines.ReadLineAsync() is not null; i++)
                {
                    saw();
                }
            }

            return answer.StatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return HttpStatusCode.ServiceUnavailable; // the host is dead
        }
    }

    private static async Task<(long Used, long Held, long Requests, long RequestsHeld)> StateAsync(HttpClient client)
    {
        var line = (await client.GetJsonAsync("/api/v1/inference/quotas")).GetProperty("items")[0];
        return (Number("tokensUsed"), Number("tokensHeld"), Number("requestsUsed"), Number("requestsHeld"));
        long Number(string name) => line.GetProperty(name).GetInt64();
    }

    private static long Sum(JsonElement bill, string what) => bill.GetProperty("lines").EnumerateArray().Sum(line => line.GetProperty(what).GetInt64());
}
