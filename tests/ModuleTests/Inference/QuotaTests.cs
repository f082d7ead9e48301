using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmPlatform.Inference;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.Inference.Quotas;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

/// <summary>Nobody spends more than they may, and what was not used comes back.</summary>
public sealed class QuotaTests(PlatformFixture platform) : IAsyncLifetime
{
    private const string Model = "roomy";
    private const int Context = 2048;

    public async ValueTask InitializeAsync()
    {
        if ((await platform.Administrator.GetAsync($"/api/v1/inference/models/{Model}")).StatusCode == HttpStatusCode.NotFound)
        {
            await using (var file = File.Create(Path.Combine(platform.Imports, $"{Model}.gguf")))
            {
                TinyModel.Write(file, TinyShape.Tiny with { Context = Context }, seed: 5);
            }

            Assert.Equal("succeeded", (await platform.Administrator.InstallAsync($"file://{platform.Imports}/{Model}.gguf", Model)).Text("state"));
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Of_two_hundred_requests_at_once_for_a_tenth_of_the_quota_ten_are_admitted_and_the_ledger_counts_every_token()
    {
        using var user = await platform.UserAsync();
        var id = await IdAsync(user);
        await SetQuotaAsync($"user:{id}", new { tokensPerDay = 10_000 });
        var prompt = await PromptTokensAsync(user, "Once");

        // A third of those who are admitted leave in the middle of their reply.
        var statuses = await Task.WhenAll(Enumerable.Range(0, 200).Select(async i =>
        {
            using var request = Request(new { model = Model, prompt = "Once", max_tokens = 1000 - prompt, ignore_eos = true, stream = true });
            using var answer = await user.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            if (answer.StatusCode == HttpStatusCode.OK)
            {
                await using var stream = await answer.Content.ReadAsStreamAsync();
                if (i % 3 == 0)
                {
                    await stream.ReadExactlyAsync(new byte[300]);
                }
                else
                {
                    await stream.CopyToAsync(Stream.Null);
                }
            }

            return answer.StatusCode;
        }));
        var admitted = statuses.Count(s => s == HttpStatusCode.OK);
        Assert.Equal(200 - admitted, statuses.Count(s => s == HttpStatusCode.TooManyRequests));

        // Replies that were left give tokens back, so that more than ten may begin one after the other; never does the sum pass the quota.
        var day = await SettledAsync(user);
        Assert.InRange(admitted, 10, 200);
        Assert.InRange(day.GetProperty("tokensUsed").GetInt64(), 1, 10_000);
        await AssertBillAsync(user, day.GetProperty("tokensUsed").GetInt64(), admitted);
    }

    [Fact]
    public async Task Exactly_ten_of_two_hundred_fit_where_nobody_leaves()
    {
        using var user = await platform.UserAsync();
        await SetQuotaAsync($"user:{await IdAsync(user)}", new { tokensPerMonth = 10_000 });
        var prompt = await PromptTokensAsync(user, "Once");
        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ =>
            user.PostAsJsonAsync("/v1/completions", new { model = Model, prompt = "Once", max_tokens = 1000 - prompt, ignore_eos = true })));
        Assert.Equal(10, answers.Count(a => a.StatusCode == HttpStatusCode.OK));
        Assert.Equal(190, answers.Count(a => a.StatusCode == HttpStatusCode.TooManyRequests));
        Assert.Equal(10_000, (await SettledAsync(user)).GetProperty("tokensUsed").GetInt64());
        await AssertBillAsync(user, 10_000, 10);

        var refused = await user.PostAsJsonAsync("/v1/completions", new { model = Model, prompt = "Once", max_tokens = 1 });
        Assert.Equal("quota.tokens_exceeded", (await refused.JsonAsync()).GetProperty("error").Text("code"));
        Assert.Equal("false", refused.Headers.GetValues("x-should-retry").Single());
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromDays(31));
    }

    [Fact]
    public async Task A_request_that_names_no_length_gets_what_is_left()
    {
        using var user = await platform.UserAsync();
        await SetQuotaAsync($"user:{await IdAsync(user)}", new { tokensPerDay = 300 });
        var answer = await user.PostAsJsonAsync("/v1/chat/completions", new { model = Model, messages = new[] { new { role = "user", content = "Once" } }, ignore_eos = true });
        var reply = await answer.JsonAsync();
        Assert.Equal("length", reply.GetProperty("choices")[0].Text("finish_reason"));
        Assert.Equal(300, reply.GetProperty("usage").GetProperty("total_tokens").GetInt32());
        Assert.Equal("300", answer.Headers.GetValues("x-ratelimit-limit-tokens").Single());
        Assert.Equal("0", answer.Headers.GetValues("x-ratelimit-remaining-tokens").Single());
        Assert.Equal(300, (await SettledAsync(user)).GetProperty("tokensUsed").GetInt64());
    }

    [Fact]
    public async Task A_conversation_that_loses_its_oldest_turns_stays_within_the_quota_however_short_the_reply_becomes()
    {
        using var user = await platform.UserAsync();
        var messages = Enumerable.Range(0, 60).Select(i => new { role = i % 2 == 0 ? "user" : "assistant", content = string.Concat(Enumerable.Repeat($"turn {i} ", 12)) }).Append(new { role = "user", content = "So?" }).ToArray();
        object Body(int? most) => new { model = Model, messages, truncation = "auto", ignore_eos = true, max_tokens = most };
        using var unlimited = await platform.UserAsync();
        var whole = (await (await unlimited.PostAsJsonAsync("/v1/chat/completions", Body(null))).JsonAsync()).GetProperty("usage").GetProperty("prompt_tokens").GetInt32();
        Assert.InRange(whole, Context / 2, Context); // the conversation is longer than the context, so turns were left out

        // With so much left, only a few tokens are for the reply, and a longer prompt would fit beside them.
        var quota = whole + 10;
        await SetQuotaAsync($"user:{await IdAsync(user)}", new { tokensPerDay = quota });
        await user.PostAsJsonAsync("/v1/chat/completions", Body(null));
        await user.PostAsJsonAsync("/v1/chat/completions", Body(8));
        var used = await Eventually.Async(() => user.GetJsonAsync("/api/v1/inference/quotas"), list => list.GetProperty("items")[0].GetProperty("tokensHeld").GetInt64() == 0);
        Assert.InRange(used.GetProperty("items")[0].GetProperty("tokensUsed").GetInt64(), 0, quota);
    }

    [Fact]
    public async Task A_limit_beyond_the_context_asks_for_no_more_than_the_context()
    {
        using var user = await platform.UserAsync();
        await SetQuotaAsync($"user:{await IdAsync(user)}", new { tokensPerDay = Context + 10 });
        Assert.Equal(HttpStatusCode.OK, await CompleteAsync(user, 1_000_000));
        Assert.InRange((await SettledAsync(user)).GetProperty("tokensUsed").GetInt64(), 1000, Context);
    }

    [Fact]
    public async Task What_ran_without_a_hold_because_its_host_was_taken_for_dead_counts_all_the_same()
    {
        using var user = await platform.UserAsync();
        var id = Guid.Parse(await IdAsync(user));
        await SetQuotaAsync($"user:{id}", new { tokensPerDay = 1000 });
        var (ledger, clock) = (Service<QuotaLedger>(), TimeProvider.System);
        using var stalled = new RunningRequests(Service<IInferenceStore>(), ledger, clock, NullLogger<RunningRequests>.Instance);
        var usage = new RequestUsage(Guid.CreateVersion7(), id, null, [], Model, clock.GetUtcNow());
        var lines = await Service<Metering>().LinesAsync(Model, new LlmPlatform.Inference.Contracts.ModelUser(id, "user"), TestContext.Current.CancellationToken);
        Assert.True(await ledger.TryReserveAsync(usage, lines, 500, clock.GetUtcNow() - QuotaLedger.Lease, TestContext.Current.CancellationToken));
        await Eventually.Async(() => user.GetJsonAsync("/api/v1/inference/quotas"), list => list.GetProperty("items")[0].GetProperty("tokensHeld").GetInt64() == 0);

        // Before the prompt was taken nothing was used; then the host wakes up and says again that it runs.
        var meter = stalled.Begin(usage, lines, null);
        await ledger.RenewAsync([meter.Usage], clock.GetUtcNow(), TestContext.Current.CancellationToken);
        meter.Count(new Event { Admitted = new Admitted { PromptTokens = 10 } });
        meter.Count(new Event { Delta = new Delta { Tokens = 20 } });
        await stalled.StartAsync(TestContext.Current.CancellationToken);
        meter.Dispose();
        await stalled.SettledAsync(TestContext.Current.CancellationToken);
        await stalled.StopAsync(TestContext.Current.CancellationToken);
        var state = await SettledAsync(user);
        Assert.Equal((30, 1), (state.GetProperty("tokensUsed").GetInt64(), state.GetProperty("requestsUsed").GetInt64()));
    }

    [Fact]
    public async Task Requests_are_counted_once_each_and_not_when_they_were_refused()
    {
        using var user = await platform.UserAsync();
        await SetQuotaAsync($"user:{await IdAsync(user)}", new { requestsPerDay = 3 });
        Assert.Equal(HttpStatusCode.BadRequest, (await user.PostAsJsonAsync("/v1/completions", new { model = Model, prompt = "a", logit_bias = new Dictionary<string, int> { ["1000000"] = 1 } })).StatusCode);
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => user.PostAsJsonAsync("/v1/completions", new { model = Model, prompt = "a", max_tokens = 2 })));
        Assert.Equal(3, answers.Count(a => a.StatusCode == HttpStatusCode.OK));
        var refused = answers.First(a => a.StatusCode == HttpStatusCode.TooManyRequests);
        Assert.Equal("quota.requests_exceeded", (await refused.JsonAsync()).GetProperty("error").Text("code"));
        Assert.Equal(3, (await SettledAsync(user)).GetProperty("requestsUsed").GetInt64());
    }

    [Fact]
    public async Task Several_replies_to_one_prompt_pay_for_it_once_as_the_answer_says()
    {
        using var user = await platform.UserAsync();
        await SetQuotaAsync($"user:{await IdAsync(user)}", new { tokensPerDay = 10_000 });
        var answer = await (await user.PostAsJsonAsync("/v1/completions", new { model = Model, prompt = "Once upon a time", max_tokens = 20, n = 3, ignore_eos = true })).JsonAsync();
        Assert.Equal(answer.GetProperty("usage").GetProperty("total_tokens").GetInt64(), (await SettledAsync(user)).GetProperty("tokensUsed").GetInt64());
    }

    [Fact]
    public async Task A_group_shares_its_quota_and_a_key_has_its_own()
    {
        using var first = await platform.UserAsync();
        using var second = await platform.UserAsync();
        await platform.Administrator.PutAsJsonAsync("/api/v1/auth/groups/sharers", new { title = "Sharers" });
        foreach (var member in (HttpClient[])[first, second])
        {
            (await platform.Administrator.PutAsync($"/api/v1/auth/groups/sharers/members/{await IdAsync(member)}", null)).EnsureSuccessStatusCode();
        }

        await SetQuotaAsync("group:sharers", new { tokensPerDay = 100 });
        await Eventually.Async(() => first.GetJsonAsync("/api/v1/inference/quotas"), list => list.GetProperty("items").GetArrayLength() == 1);
        await Eventually.Async(() => second.GetJsonAsync("/api/v1/inference/quotas"), list => list.GetProperty("items").GetArrayLength() == 1);
        Assert.Equal(HttpStatusCode.OK, await CompleteAsync(first, 60));
        Assert.Equal(HttpStatusCode.TooManyRequests, await CompleteAsync(second, 60));

        using var owner = await platform.UserAsync();
        var key = (await (await owner.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "thrifty", budget = new { tokensPerMonth = 50 } })).JsonAsync()).Text("key");
        using var program = platform.NewClient(key);
        Assert.Equal(HttpStatusCode.TooManyRequests, await CompleteAsync(program, 60));
        Assert.Equal(HttpStatusCode.OK, await CompleteAsync(program, 20));
        Assert.Equal(HttpStatusCode.OK, await CompleteAsync(owner, 60));
    }

    [Fact]
    public async Task A_quota_of_a_model_counts_for_everybody_and_under_each_of_its_names()
    {
        await platform.Administrator.EnsureInstalledAsync(platform, "rationed");
        await platform.Administrator.PutAsJsonAsync("/api/v1/inference/aliases/rationed-alias", new { target = "rationed" });
        await SetQuotaAsync("model:rationed", new { requestsPerDay = 2 });
        try
        {
            using var user = await platform.UserAsync();
            Assert.Equal(HttpStatusCode.OK, await CompleteAsync(platform.Administrator, 2, "rationed"));
            Assert.Equal(HttpStatusCode.OK, await CompleteAsync(user, 2, "rationed-alias"));
            Assert.Equal(HttpStatusCode.TooManyRequests, await CompleteAsync(user, 2, "rationed"));
        }
        finally
        {
            await platform.Administrator.DeleteAsync("/api/v1/auth/quotas/model:rationed");
        }
    }

    [Fact]
    public async Task Texts_that_become_vectors_count_too()
    {
        using var user = await platform.UserAsync();
        await SetQuotaAsync($"user:{await IdAsync(user)}", new { tokensPerDay = 20 });
        var answer = await (await user.PostAsJsonAsync("/v1/embeddings", new { model = Model, input = new[] { "Once", "upon" } })).JsonAsync();
        Assert.Equal(answer.GetProperty("usage").GetProperty("total_tokens").GetInt64(), (await SettledAsync(user)).GetProperty("tokensUsed").GetInt64());
        Assert.Equal(HttpStatusCode.TooManyRequests, (await user.PostAsJsonAsync("/v1/embeddings", new { model = Model, input = string.Concat(Enumerable.Repeat("Once upon a time ", 20)) })).StatusCode);
    }

    [Fact]
    public async Task What_a_host_used_after_another_one_took_it_for_dead_is_added_once()
    {
        using var user = await platform.UserAsync();
        var id = Guid.Parse(await IdAsync(user));
        await SetQuotaAsync($"user:{id}", new { tokensPerDay = 1000 });
        var (ledger, clock) = (Service<QuotaLedger>(), TimeProvider.System);
        using var stalled = new RunningRequests(Service<IInferenceStore>(), ledger, clock, NullLogger<RunningRequests>.Instance);
        var usage = new RequestUsage(Guid.CreateVersion7(), id, null, [], Model, clock.GetUtcNow());
        var lines = await Service<Metering>().LinesAsync(Model, new LlmPlatform.Inference.Contracts.ModelUser(id, "user"), TestContext.Current.CancellationToken);
        var known = usage with { IsAdmitted = true, PromptTokens = 10, CompletionTokens = 30 };
        Assert.True(await ledger.TryReserveAsync(known, lines, 500, clock.GetUtcNow() - QuotaLedger.Lease, TestContext.Current.CancellationToken));
        Assert.Equal(40, (await SettledAsync(user)).GetProperty("tokensUsed").GetInt64());

        var meter = stalled.Begin(usage, lines, null);
        meter.Count(new Event { Admitted = new Admitted { PromptTokens = 10 } });
        meter.Count(new Event { Delta = new Delta { Tokens = 55 } });
        await stalled.StartAsync(TestContext.Current.CancellationToken);
        meter.Dispose();
        meter.Dispose();
        await stalled.SettledAsync(TestContext.Current.CancellationToken);
        await stalled.StopAsync(TestContext.Current.CancellationToken);
        Assert.Equal(65, (await SettledAsync(user)).GetProperty("tokensUsed").GetInt64());
        await AssertBillAsync(user, 65, 1);
    }

    [Theory]
    [InlineData("2026-02-28T23:59:59.999Z", "2026-02-28", "2026-03-01T00:00:00Z", "2026-02", "2026-03-01T00:00:00Z")]
    [InlineData("2026-03-01T00:30:00+02:00", "2026-02-28", "2026-03-01T00:00:00Z", "2026-02", "2026-03-01T00:00:00Z")]
    [InlineData("2028-02-29T12:00:00Z", "2028-02-29", "2028-03-01T00:00:00Z", "2028-02", "2028-03-01T00:00:00Z")]
    [InlineData("2026-12-31T23:00:00-02:00", "2027-01-01", "2027-01-02T00:00:00Z", "2027-01", "2027-02-01T00:00:00Z")]
    public void A_day_and_a_month_are_those_of_utc(string now, string day, string dayEnds, string month, string monthEnds)
    {
        var lines = QuotaLine.Of([new("user:a", new(TokensPerDay: 1, RequestsPerMonth: 2))], DateTimeOffset.Parse(now, System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal([(month, QuotaLine.Unlimited, 2L), (day, 1L, QuotaLine.Unlimited)], lines.Select(l => (l.Period, l.Tokens, l.Requests)));
        Assert.Equal([monthEnds, dayEnds], lines.Select(l => l.EndsAt.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture)));
    }

    private T Service<T>()
        where T : notnull => platform.Platform.App.Services.GetRequiredService<T>();

    private static HttpRequestMessage Request(object body) => new(HttpMethod.Post, "/v1/completions") { Content = JsonContent.Create(body) };

    private static async Task<string> IdAsync(HttpClient user) => (await user.GetJsonAsync("/api/v1/auth/me")).Text("id")!;

    private async Task SetQuotaAsync(string scope, object amounts) =>
        Assert.Equal(HttpStatusCode.OK, (await platform.Administrator.PutAsJsonAsync($"/api/v1/auth/quotas/{scope}", amounts)).StatusCode);

    private static async Task<int> PromptTokensAsync(HttpClient user, string prompt) =>
        (await (await user.PostAsJsonAsync("/v1/tokenize", new { model = Model, prompt })).JsonAsync()).GetProperty("count").GetInt32();

    private static async Task<HttpStatusCode> CompleteAsync(HttpClient client, int tokens, string model = Model) =>
        (await client.PostAsJsonAsync("/v1/completions", new { model, prompt = "Once", max_tokens = tokens, ignore_eos = true })).StatusCode;

    /// <summary>The one quota that counts for a user, once nothing is held.</summary>
    private static async Task<JsonElement> SettledAsync(HttpClient user) =>
        (await Eventually.Async(
            () => user.GetJsonAsync("/api/v1/inference/quotas"),
            list => list.GetProperty("items") is var items && items.GetArrayLength() == 1 && items[0].GetProperty("tokensHeld").GetInt64() == 0 && items[0].GetProperty("requestsUsed").GetInt64() > 0))
        .GetProperty("items")[0];

    /// <summary>The bill, which is made of recorded usage, says the same as the ledger.</summary>
    private static Task AssertBillAsync(HttpClient user, long tokens, long requests) => Eventually.Async(
        () => user.GetJsonAsync("/api/v1/inference/usage"),
        bill => (Sum(bill, "promptTokens") + Sum(bill, "completionTokens"), Sum(bill, "requests")) == (tokens, requests));

    private static long Sum(JsonElement bill, string what) => bill.GetProperty("lines").EnumerateArray().Sum(line => line.GetProperty(what).GetInt64());
}
