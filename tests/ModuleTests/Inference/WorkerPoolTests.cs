using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.Inference.Workers;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.Options;
using Xunit;
using FinishReason = LlmPlatform.Inference.Contracts.FinishReason;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class WorkerPoolTests
{
    private static CancellationToken Timeout => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_worker_that_dies_ends_its_requests_with_a_reason_and_the_next_is_served_by_a_fresh_one()
    {
        await using var pool = new WorkerPoolFixture();
        var first = await pool.ProcessIdAsync();
        await using var reply = pool.Continue().GetAsyncEnumerator(Timeout);
        Assert.True(await reply.MoveNextAsync());
        await WorkerPoolFixture.SignalAsync(first, "KILL");
        var failure = await Assert.ThrowsAsync<GenerationException>(async () =>
        {
            while (await reply.MoveNextAsync())
            {
            }
        });
        Assert.Equal((502, "engine.crashed"), (failure.Status, failure.Code));

        Assert.Equal(5, (await pool.CompleteAsync(5)).Usage.CompletionTokens);
        Assert.NotEqual(first, await pool.ProcessIdAsync());
        Assert.False(WorkerPoolFixture.IsAlive(first));
    }

    [Fact]
    public async Task A_model_whose_worker_dies_three_times_rests_until_time_passes_or_an_administrator_loads_it()
    {
        await using var pool = new WorkerPoolFixture();
        for (var i = 0; i < FailureHistory.Limit; i++)
        {
            await KillAsync(pool);
            pool.Clock.Advance(TimeSpan.FromSeconds(5));
        }

        var failure = await Assert.ThrowsAsync<GenerationException>(() => pool.CompleteAsync(1));
        Assert.Equal((503, "model.quarantined"), (failure.Status, failure.Code));
        Assert.InRange(failure.RetryAfter!.Value, TimeSpan.FromMinutes(9), TimeSpan.FromMinutes(10));
        Assert.Equal(WorkerPhase.Quarantined, pool.Pool.StateOf("tiny").Phase);

        await pool.LoadAsync("tiny");
        Assert.Equal(WorkerPhase.Ready, pool.Pool.StateOf("tiny").Phase);
    }

    [Fact]
    public async Task A_quarantine_ends_by_itself()
    {
        await using var pool = new WorkerPoolFixture();
        for (var i = 0; i < FailureHistory.Limit; i++)
        {
            await KillAsync(pool);
            pool.Clock.Advance(TimeSpan.FromSeconds(5));
        }

        await Assert.ThrowsAsync<GenerationException>(() => pool.CompleteAsync(1));
        pool.Clock.Advance(FailureHistory.Window);
        Assert.Equal(1, (await pool.CompleteAsync(1)).Usage.CompletionTokens);
    }

    [Fact]
    public async Task A_file_that_is_no_model_is_reported_in_the_engines_words()
    {
        await using var pool = new WorkerPoolFixture();
        var failure = await Assert.ThrowsAsync<GenerationException>(() => pool.LoadAsync("bad"));
        Assert.Equal((503, "model.load_failed"), (failure.Status, failure.Code));
        var state = await Eventually.Async(() => Task.FromResult(pool.Pool.StateOf("bad")), state => state.Phase is WorkerPhase.Failed or WorkerPhase.Quarantined);
        Assert.Equal(("model.load_failed", failure.Message), (state.Code, state.Message));
    }

    [Fact]
    public async Task An_engine_that_is_not_there_is_reported()
    {
        await using var pool = new WorkerPoolFixture(new EngineOptions { EnginePath = "/nowhere/Engine.dll" });
        var failure = await Assert.ThrowsAsync<GenerationException>(() => pool.CompleteAsync(1));
        Assert.Equal((503, "model.load_crashed"), (failure.Status, failure.Code));
    }

    [Fact]
    public async Task A_model_that_nobody_installed_is_not_found()
    {
        await using var pool = new WorkerPoolFixture();
        var request = new GenerationRequest("other", new ModelUser(Guid.Empty, "user"), [new ChatMessage("user", "Hello")]);
        var failure = await Assert.ThrowsAsync<GenerationException>(async () => await pool.Generator.GenerateAsync(request, Timeout).GetAsyncEnumerator(Timeout).MoveNextAsync());
        Assert.Equal((404, "model_not_found"), (failure.Status, failure.Code));
    }

    [Fact]
    public async Task A_worker_that_hangs_is_ended()
    {
        await using var pool = new WorkerPoolFixture();
        var hanging = await pool.ProcessIdAsync();
        await using var reply = pool.Continue().GetAsyncEnumerator(Timeout);
        Assert.True(await reply.MoveNextAsync());
        await WorkerPoolFixture.SignalAsync(hanging, "STOP");
        var reading = Assert.ThrowsAsync<GenerationException>(async () =>
        {
            while (await reply.MoveNextAsync())
            {
            }
        });
        while (!reading.IsCompleted)
        {
            Timeout.ThrowIfCancellationRequested();
            pool.Clock.Advance(TimeSpan.FromSeconds(5));
            await Task.Yield();
        }

        var failure = await reading;
        Assert.Equal((504, "engine.stalled"), (failure.Status, failure.Code));
        Assert.Equal(1, (await pool.CompleteAsync(1)).Usage.CompletionTokens);
        Assert.False(WorkerPoolFixture.IsAlive(hanging));
    }

    [Fact]
    public async Task A_reader_that_leaves_frees_the_worker_for_others()
    {
        await using var pool = new WorkerPoolFixture(new EngineOptions { Threads = 1, Slots = 1 });
        await using (var reply = pool.Continue().GetAsyncEnumerator(Timeout))
        {
            Assert.True(await reply.MoveNextAsync());
        }

        Assert.Equal(0, pool.Pool.StateOf("tiny").Running);
        Assert.Equal(3, (await pool.CompleteAsync(3)).Usage.CompletionTokens);
    }

    [Fact]
    public async Task First_requests_at_one_time_share_one_worker()
    {
        await using var pool = new WorkerPoolFixture();
        var processes = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => pool.ProcessIdAsync()));
        Assert.Single(processes.Distinct());
    }

    [Fact]
    public async Task Unloading_ends_the_process_and_tells_what_still_ran()
    {
        await using var pool = new WorkerPoolFixture(new EngineOptions { Threads = 1, DrainTime = TimeSpan.Zero });
        var process = await pool.ProcessIdAsync();
        await using var reply = pool.Continue().GetAsyncEnumerator(Timeout);
        Assert.True(await reply.MoveNextAsync());
        await pool.Pool.UnloadAsync("tiny", Timeout);
        Assert.False(WorkerPoolFixture.IsAlive(process));
        Assert.Equal(WorkerPhase.Idle, pool.Pool.StateOf("tiny").Phase);
        var failure = await Assert.ThrowsAsync<GenerationException>(async () =>
        {
            while (await reply.MoveNextAsync())
            {
            }
        });
        Assert.Equal("model.unloaded", failure.Code);
    }

    [Fact]
    public async Task While_a_model_is_unloaded_new_requests_are_sent_away_and_those_that_run_may_finish()
    {
        await using var pool = new WorkerPoolFixture();
        using var lease = await pool.Pool.LeaseAsync(WorkerPoolFixture.Good, Timeout);
        var unloading = pool.Pool.UnloadAsync("tiny", Timeout);
        var failure = await Assert.ThrowsAsync<GenerationException>(() => pool.CompleteAsync(1));
        Assert.Equal((503, "model.unloading"), (failure.Status, failure.Code));
        Assert.Equal(WorkerPhase.Draining, pool.Pool.StateOf("tiny").Phase);
        var process = lease.Worker.ProcessId;
        lease.Dispose();
        await unloading;
        Assert.False(WorkerPoolFixture.IsAlive(process));
    }

    [Fact]
    public async Task An_unload_that_was_given_up_leaves_the_model_in_service_and_the_next_one_waits_afresh()
    {
        await using var pool = new WorkerPoolFixture();
        using var first = await pool.Pool.LeaseAsync(WorkerPoolFixture.Good, Timeout);
        using var impatience = new CancellationTokenSource();
        var givenUp = pool.Pool.UnloadAsync("tiny", impatience.Token);
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => givenUp);

        using var second = await pool.Pool.LeaseAsync(WorkerPoolFixture.Good, Timeout);
        Assert.Equal(first.Worker.ProcessId, second.Worker.ProcessId);
        first.Dispose();
        var unloading = pool.Pool.UnloadAsync("tiny", Timeout);
        Assert.False(unloading.IsCompleted);
        Assert.Null(second.Worker.End);
        second.Dispose();
        await unloading;
        Assert.Equal(WorkerPhase.Idle, pool.Pool.StateOf("tiny").Phase);
    }

    [Fact]
    public async Task An_unload_that_is_given_up_takes_nothing_from_another_that_waits()
    {
        await using var pool = new WorkerPoolFixture();
        using var lease = await pool.Pool.LeaseAsync(WorkerPoolFixture.Good, Timeout);
        using var impatience = new CancellationTokenSource();
        var givenUp = pool.Pool.UnloadAsync("tiny", impatience.Token);
        var unloading = pool.Pool.UnloadAsync("tiny", Timeout);
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => givenUp);
        Assert.Equal(WorkerPhase.Draining, pool.Pool.StateOf("tiny").Phase);
        var process = lease.Worker.ProcessId;
        lease.Dispose();
        await unloading; // the pool's clock stands still, so nothing but the lease can end this
        Assert.False(WorkerPoolFixture.IsAlive(process));
    }

    [Fact]
    public async Task A_worker_that_nobody_uses_is_ended_and_that_is_no_failure()
    {
        await using var pool = new WorkerPoolFixture();
        Worker worker;
        using (var lease = await pool.Pool.LeaseAsync(WorkerPoolFixture.Good, Timeout))
        {
            worker = lease.Worker;
            pool.Clock.Advance(new EngineOptions().KeepAlive * 2);
            Assert.Null(worker.End); // in use
        }

        pool.Clock.Advance(new EngineOptions().KeepAlive * 2);
        Assert.Equal("model.unloaded", (await worker.Ended).Code);
        Assert.Null(pool.Pool.StateOf("tiny").Code);
    }

    [Fact]
    public async Task When_the_host_stops_no_worker_is_left()
    {
        int process;
        await using (var pool = new WorkerPoolFixture())
        {
            process = await pool.ProcessIdAsync();
        }

        Assert.False(WorkerPoolFixture.IsAlive(process));
    }

    [Fact]
    public async Task A_name_that_means_another_file_gets_another_worker()
    {
        await using var pool = new WorkerPoolFixture();
        var before = await pool.ProcessIdAsync();
        var failure = await Assert.ThrowsAsync<GenerationException>(() =>
            pool.Pool.LeaseAsync(WorkerPoolFixture.Bad with { Name = "tiny" }, Timeout));
        Assert.Equal("model.load_failed", failure.Code);
        Assert.False(WorkerPoolFixture.IsAlive(before));
    }

    [Fact]
    public void A_reader_that_falls_far_behind_has_no_room_left()
    {
        using var call = new WorkerCall(1, _ => { });
        var item = new Event { Id = 1, Delta = new Delta { Text = "x" } };
        var taken = 0;
        while (call.TryAdd(item))
        {
            taken++;
            Assert.InRange(taken, 1, 100_000);
        }

        call.Fail(Failures.SlowReader);
        Assert.True(call.News.TryRead(out _));
    }

    [Fact]
    public void A_worker_sees_none_of_our_secrets()
    {
        Environment.SetEnvironmentVariable("ConnectionStrings__Secret", "swordfish");
        var command = new EngineFiles(Options.Create(new EngineOptions())).Command("serve", []);
        Assert.DoesNotContain(command.Environment, v => v.Value == "swordfish");
        Assert.Equal("1", command.Environment["GGML_NO_BACKTRACE"]);
        Assert.True(File.Exists(command.FileName));
    }

    [Fact]
    public async Task A_reply_comes_with_its_count()
    {
        await using var pool = new WorkerPoolFixture();
        var news = await pool.Continue(7).ToListAsync(Timeout);
        var accepted = Assert.IsType<PromptAccepted>(news[0]);
        var completed = Assert.IsType<GenerationCompleted>(news[^1]);
        Assert.Equal((FinishReason.Length, 7, accepted.PromptTokens), (completed.Reason, completed.Usage.CompletionTokens, completed.Usage.PromptTokens));
        Assert.Equal(WorkerPhase.Ready, pool.Pool.StateOf("tiny").Phase);
    }

    private static async Task KillAsync(WorkerPoolFixture pool)
    {
        using var lease = await pool.Pool.LeaseAsync(WorkerPoolFixture.Good, Timeout);
        await WorkerPoolFixture.SignalAsync(lease.Worker.ProcessId, "KILL");
        await lease.Worker.Ended;
        // The clock may only move on when the pool has seen it too, or the next start waits for a time that never comes.
        await Eventually.Async(() => Task.FromResult(pool.Pool.StateOf("tiny")), state => state.Phase is WorkerPhase.Failed or WorkerPhase.Quarantined);
    }
}
