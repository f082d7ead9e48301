using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.Workers;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

/// <summary>Several models under one budget. All three have one file, so each needs the same.</summary>
public sealed class WorkerMemoryTests
{
    private const long Plenty = 1L << 40;

    // One needs 72 MiB for its process, and some for itself: this is room for two and not for three.
    private const long RoomForTwo = 300L << 20;

    private static readonly InstalledModel First = WorkerPoolFixture.Good, Second = WorkerPoolFixture.Second, Third = WorkerPoolFixture.Third;

    private static CancellationToken Timeout => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_does_not_fit_is_refused_with_numbers_and_no_process_is_started()
    {
        await using var pool = Pool(budget: 80L << 20);
        var refusal = await Assert.ThrowsAsync<GenerationException>(() => pool.LoadAsync("tiny"));
        Assert.Equal((503, "memory.insufficient"), (refusal.Status, refusal.Code));
        Assert.Matches(@"^The model 'tiny' needs \d+ MiB: weights 8, KV cache 16, compute \d+, process 72; 80 MiB is available\. ", refusal.Message);
        Assert.Null(refusal.RetryAfter); // waiting does not help
        var state = pool.Pool.StateOf("tiny");
        Assert.Equal((WorkerPhase.Failed, "memory.insufficient"), (state.Phase, state.Code));
        Assert.Equal(80L << 20, pool.Budget.Room);
    }

    [Fact]
    public async Task The_context_that_is_suggested_can_be_loaded()
    {
        await using var pool = Pool(budget: 105L << 20);
        var refusal = await Assert.ThrowsAsync<GenerationException>(() => pool.LoadAsync("tiny"));
        var suggested = System.Text.RegularExpressions.Regex.Match(refusal.Message, @"A context of (\d+) tokens would need (\d+) MiB");
        Assert.True(suggested.Success, refusal.Message);

        pool.Settings["tiny"] = new ModelSettings(ContextTokens: int.Parse(suggested.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture));
        await pool.LoadAsync("tiny");

        Assert.Equal(WorkerPhase.Ready, pool.Pool.StateOf("tiny").Phase);
        Assert.Equal(pool.Settings["tiny"].ContextTokens, pool.Pool.StateOf("tiny").Model!.ContextTokens);
    }

    [Fact]
    public async Task What_the_machine_has_left_counts_as_much_as_the_budget()
    {
        await using var pool = Pool(budget: Plenty, available: () => 90L << 20);
        var refusal = await Assert.ThrowsAsync<GenerationException>(() => pool.LoadAsync("tiny"));
        Assert.Contains("90 MiB is available", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_model_that_was_used_the_longest_time_ago_makes_room()
    {
        await using var pool = Pool(RoomForTwo);
        var (first, second) = (await UseAsync(pool, First), await UseAsync(pool, Second));
        pool.Clock.Advance(TimeSpan.FromSeconds(1));
        await UseAsync(pool, First);

        await UseAsync(pool, Third);

        Assert.True(WorkerPoolFixture.IsAlive(first));
        Assert.False(WorkerPoolFixture.IsAlive(second));
        Assert.Equal((WorkerPhase.Idle, null), (pool.Pool.StateOf("second").Phase, pool.Pool.StateOf("second").Code));
    }

    [Fact]
    public async Task A_model_in_use_is_never_touched_however_long_ago_it_was_taken()
    {
        await using var pool = Pool(RoomForTwo);
        using var used = await pool.Pool.LeaseAsync(First, Timeout);
        pool.Clock.Advance(TimeSpan.FromSeconds(10));
        var second = await UseAsync(pool, Second);

        await UseAsync(pool, Third);

        Assert.Null(used.Worker.End);
        Assert.False(WorkerPoolFixture.IsAlive(second));
    }

    [Fact]
    public async Task Where_all_are_in_use_the_next_one_is_refused_and_may_come_again()
    {
        await using var pool = Pool(RoomForTwo);
        using var first = await pool.Pool.LeaseAsync(First, Timeout);
        using (await pool.Pool.LeaseAsync(Second, Timeout))
        {
            var refusal = await Assert.ThrowsAsync<GenerationException>(() => pool.LoadAsync("third"));
            Assert.Equal("memory.insufficient", refusal.Code);
            Assert.NotNull(refusal.RetryAfter);
        }

        await pool.LoadAsync("third");
        Assert.Null(first.Worker.End);
    }

    [Fact]
    public async Task Nobody_is_sent_away_for_a_model_that_does_not_fit_even_then()
    {
        long there = Plenty;
        await using var pool = Pool(RoomForTwo, () => there);
        pool.Settings["tiny"] = new ModelSettings(ContextTokens: 256, Slots: 1);
        var first = await UseAsync(pool, First);
        there = 0; // all that is left is what the first one would give back
        await Assert.ThrowsAsync<GenerationException>(() => pool.LoadAsync("second"));
        Assert.True(WorkerPoolFixture.IsAlive(first));
    }

    [Fact]
    public async Task Two_that_start_at_once_do_not_both_take_the_last_room()
    {
        await using var pool = Pool(150L << 20);
        var leases = await Task.WhenAll(TryLeaseAsync(pool, First), TryLeaseAsync(pool, Second), TryLeaseAsync(pool, Third));
        Assert.Single(leases, lease => lease is not null);
        Assert.InRange(pool.Budget.Room, 0, pool.Budget.Limit);
        leases.Single(lease => lease is not null)!.Dispose();
    }

    [Fact]
    public async Task What_a_worker_was_granted_counts_until_the_machine_shows_that_it_took_it()
    {
        await using var pool = Pool(Plenty);
        var budget = new MemoryBudget(Plenty, () => 150L << 20);
        var (plan, nobody) = (pool.Planner.Plan("tiny", First.Digest, new ModelSettings(Slots: 1)), new SpareWorkers([]));
        using var loading = await budget.TakeAsync(plan, nobody, Timeout);
        var refusal = await Assert.ThrowsAsync<GenerationException>(() => budget.TakeAsync(plan, nobody, Timeout));
        Assert.Equal("memory.insufficient", refusal.Code);
        Assert.NotNull(refusal.RetryAfter);

        loading.Settle();
        using var second = await budget.TakeAsync(plan, nobody, Timeout);
        second.Dispose();
        Assert.Equal(150L << 20, budget.Room);
    }

    [Fact]
    public async Task A_wait_for_memory_can_be_given_up()
    {
        await using var pool = Pool(Plenty);
        using var impatience = new CancellationTokenSource();
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pool.Pool.LeaseAsync(First, impatience.Token));
        Assert.Equal(Plenty, pool.Budget.Room);
        await UseAsync(pool, First);
    }

    [Fact]
    public async Task A_worker_that_dies_gives_its_memory_back()
    {
        await using var pool = Pool(150L << 20);
        using (var lease = await pool.Pool.LeaseAsync(First, Timeout))
        {
            Assert.NotEqual(pool.Budget.Limit, pool.Budget.Room);
            await WorkerPoolFixture.SignalAsync(lease.Worker.ProcessId, "KILL");
            await lease.Worker.Ended;
            await Eventually.Async(() => Task.FromResult(pool.Budget.Room), room => room == pool.Budget.Limit);
        }

        await UseAsync(pool, Second);
    }

    [Fact]
    public async Task A_worker_that_cannot_be_started_holds_no_memory()
    {
        await using var pool = new WorkerPoolFixture(new EngineOptions { EnginePath = "/nowhere/Engine.dll", MemoryBudget = RoomForTwo }, () => Plenty);
        await Assert.ThrowsAsync<GenerationException>(() => pool.LoadAsync("tiny"));
        await Eventually.Async(() => Task.FromResult(pool.Budget.Room), room => room == RoomForTwo);
    }

    [Fact]
    public async Task A_model_that_is_kept_for_ever_survives_idleness_and_is_the_last_to_make_room()
    {
        await using var pool = Pool(RoomForTwo);
        pool.Settings["tiny"] = new ModelSettings(KeepAliveMinutes: ModelSettings.ForEver);
        var kept = await UseAsync(pool, First);
        pool.Clock.Advance(TimeSpan.FromDays(1));
        Assert.True(WorkerPoolFixture.IsAlive(kept));
        var second = await UseAsync(pool, Second);

        await UseAsync(pool, Third);

        Assert.True(WorkerPoolFixture.IsAlive(kept));
        Assert.False(WorkerPoolFixture.IsAlive(second));
    }

    [Fact]
    public async Task A_model_that_is_not_kept_ends_with_its_last_request()
    {
        await using var pool = Pool(Plenty);
        pool.Settings["tiny"] = new ModelSettings(KeepAliveMinutes: 0);
        var first = await pool.Pool.LeaseAsync(First, Timeout);
        var second = await pool.Pool.LeaseAsync(First, Timeout);
        first.Dispose();
        Assert.Null(second.Worker.End);
        second.Dispose();
        Assert.Equal("model.unloaded", (await second.Worker.Ended).Code);
    }

    [Fact]
    public async Task A_model_may_be_kept_for_a_shorter_time_than_the_others()
    {
        await using var pool = Pool(Plenty);
        pool.Settings["tiny"] = new ModelSettings(KeepAliveMinutes: 1);
        using var second = await pool.Pool.LeaseAsync(Second, Timeout);
        second.Dispose();
        Worker worker;
        using (var lease = await pool.Pool.LeaseAsync(First, Timeout))
        {
            worker = lease.Worker;
        }

        pool.Clock.Advance(TimeSpan.FromSeconds(50));
        Assert.Null(worker.End);
        pool.Clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal("model.unloaded", (await worker.Ended).Code);
        Assert.Null(second.Worker.End);
    }

    [Fact]
    public async Task The_settings_of_a_model_reach_its_worker_at_the_next_load()
    {
        await using var pool = Pool(Plenty);
        await UseAsync(pool, First);
        pool.Settings["tiny"] = new ModelSettings(ContextTokens: 1024, KvCacheType: KvCacheType.Q8, Slots: 2, Threads: 1);
        var process = await UseAsync(pool, First);
        Assert.Equal(4096, pool.Pool.StateOf("tiny").Model!.ContextTokens);

        await pool.Pool.UnloadAsync("tiny", Timeout);
        Assert.NotEqual(process, process = await UseAsync(pool, First));
        Assert.Equal((1024, 1), (pool.Pool.StateOf("tiny").Model!.ContextTokens, pool.Pool.StateOf("tiny").Model!.Threads));
        var line = (await File.ReadAllTextAsync($"/proc/{process}/cmdline", Timeout)).Replace('\0', ' ');
        Assert.Contains("--context 1024 --threads 1 --slots 2", line, StringComparison.Ordinal);
        Assert.Contains("--kv-type q8_0", line, StringComparison.Ordinal);
        Assert.Contains($"--memory {2 * 1024 * 8 * 4 * 32 * 2 * 34 / 32} ", line, StringComparison.Ordinal); // slots, tokens, layers, heads, width, keys and values
    }

    [Theory]
    [InlineData(null, 16)] // a small part of the room, but one context at least
    [InlineData(1, 16)]
    [InlineData(3, 48)]
    [InlineData(64, 120)] // more than there is: what fits
    public async Task A_cache_grows_with_the_room_as_far_as_it_can_be_used(int? slots, int mebibytes)
    {
        await using var pool = Pool(Plenty);
        var plan = pool.Planner.Plan("tiny", First.Digest, new ModelSettings(Slots: slots));
        var fit = plan.Fit(240L << 20);
        Assert.InRange(fit.KvCacheBytes >> 20, mebibytes * 3 / 4, mebibytes * 4 / 3);
        Assert.InRange(fit.TotalBytes, plan.Needed.TotalBytes, 240L << 20);
    }

    private static WorkerPoolFixture Pool(long budget, Func<long>? available = null) =>
        new(new EngineOptions { Threads = 1, MemoryBudget = budget }, available ?? (() => Plenty));

    /// <summary>Takes the model once, a moment later than what was before.</summary>
    private static async Task<int> UseAsync(WorkerPoolFixture pool, InstalledModel model)
    {
        using var lease = await pool.Pool.LeaseAsync(model, Timeout);
        pool.Clock.Advance(TimeSpan.FromMilliseconds(1));
        return lease.Worker.ProcessId;
    }

    private static async Task<WorkerLease?> TryLeaseAsync(WorkerPoolFixture pool, InstalledModel model)
    {
        try
        {
            return await pool.Pool.LeaseAsync(model, Timeout);
        }
        catch (GenerationException refused) when (refused.Code == "memory.insufficient")
        {
            return null;
        }
    }
}
