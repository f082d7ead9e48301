using LlmPlatform.Explore.Hub;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Xunit;

namespace LlmPlatform.ModuleTests.Explore;

public sealed class HubCacheTests : IDisposable
{
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly NpgsqlDataSource database;
    private readonly HubCache cache;
    private readonly string key = $"test:{Guid.CreateVersion7()}";
    private int asked;

    public HubCacheTests(PlatformFixture platform)
    {
        database = platform.Platform.App.Services.GetRequiredService<NpgsqlDataSource>();
        cache = new HubCache(database, time);
    }

    [Fact]
    public async Task An_answer_is_fresh_for_a_while_and_then_asked_for_again()
    {
        Assert.Equal(("one", false), await GetAsync("one"));
        time.Advance(HubCache.Fresh - TimeSpan.FromSeconds(1));
        Assert.Equal(("one", false), await GetAsync("two"));
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(("two", false), await GetAsync("two"));
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task An_old_answer_is_shown_as_such_where_the_hub_cannot_be_asked_and_after_a_day_no_more()
    {
        await GetAsync("one");
        time.Advance(HubCache.Fresh * 2);
        Assert.Equal(("one", true), await GetAsync(null));
        Assert.Equal(("one", true), await GetAsync("two")); // the refusal is remembered
        Assert.Equal(2, asked);
        time.Advance(HubCache.RefusedFor * 2);
        Assert.Equal(("two", false), await GetAsync("two"));
        time.Advance(HubCache.StaleAtMost);
        await Assert.ThrowsAsync<HubException>(() => GetAsync(null));
    }

    [Fact]
    public async Task A_refusal_is_remembered_as_long_as_the_hub_says()
    {
        var refusal = new HubException(503, "hub.unreachable", "Later.") { RetryAfter = HubCache.RefusedFor * 5 };
        Assert.Equal("hub.unreachable", (await Assert.ThrowsAsync<HubException>(() => GetAsync(null, refusal))).Code);
        time.Advance(HubCache.RefusedFor * 4);
        var again = await Assert.ThrowsAsync<HubException>(() => GetAsync("one"));
        Assert.Equal(("Later.", HubCache.RefusedFor), (again.Message, again.RetryAfter));
        time.Advance(HubCache.RefusedFor * 2);
        Assert.Equal(("one", false), await GetAsync("one"));
    }

    [Fact]
    public async Task What_the_hub_took_back_is_not_shown_any_more()
    {
        await GetAsync("one");
        time.Advance(HubCache.Fresh * 2);
        Assert.Equal("hub.not_found", (await Assert.ThrowsAsync<HubException>(() => GetAsync(null, HubException.NotFound()))).Code);
    }

    [Fact]
    public async Task Whoever_asks_for_the_same_at_once_waits_for_one_answer()
    {
        var release = new TaskCompletionSource();
        var all = Enumerable.Range(0, 20).Select(_ => cache.GetAsync(key, HubJson.Default.HubCard, async _ =>
        {
            Interlocked.Increment(ref asked);
            await release.Task;
            return new HubCard("one", false);
        }, TestContext.Current.CancellationToken)).ToArray();
        await Eventually.Async(() => Task.FromResult(asked), count => count == 1);
        release.SetResult();
        Assert.All(await Task.WhenAll(all), kept => Assert.Equal("one", kept.Value.Text));
        Assert.Equal(1, asked);
    }

    [Fact]
    public async Task Whoever_stops_waiting_stops_nobody_else()
    {
        var release = new TaskCompletionSource();
        using var impatient = new CancellationTokenSource();
        var first = cache.GetAsync(key, HubJson.Default.HubCard, async asking =>
        {
            Interlocked.Increment(ref asked);
            await release.Task.WaitAsync(asking);
            return new HubCard("one", false);
        }, impatient.Token);
        await Eventually.Async(() => Task.FromResult(asked), count => count == 1);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        release.SetResult();
        Assert.Equal(("one", false), await Eventually.Async(() => GetAsync("two"), kept => kept.Text == "one"));
    }

    [Fact]
    public async Task Only_so_many_answers_are_kept_and_the_oldest_go()
    {
        await using (var fill = database.CreateCommand(
            $"insert into explore.hub_answers (key, body, bytes, fetched_at, asked_at) select 'fill:' || n, 'x', 1, $1, $1 from generate_series(1, {HubCache.MostAnswers + 50}) n on conflict do nothing"))
        {
            fill.Parameters.AddWithValue(time.GetUtcNow() - TimeSpan.FromDays(1));
            await fill.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        await GetAsync("one");
        await using var count = database.CreateCommand("select count(*) from explore.hub_answers");
        Assert.True((long)(await count.ExecuteScalarAsync(TestContext.Current.CancellationToken))! <= HubCache.MostAnswers);
        Assert.Equal(("one", false), await GetAsync("two"));
    }

    public void Dispose() => cache.Dispose();

    private async Task<(string Text, bool IsStale)> GetAsync(string? text, HubException? refusal = null)
    {
        var kept = await cache.GetAsync(key, HubJson.Default.HubCard, _ =>
        {
            Interlocked.Increment(ref asked);
            return text is null ? throw refusal ?? HubException.Unreachable("Nobody there.") : Task.FromResult(new HubCard(text, false));
        }, TestContext.Current.CancellationToken);
        return (kept.Value.Text, kept.IsStale);
    }
}
