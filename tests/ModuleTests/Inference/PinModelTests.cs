using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Workers;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class PinModelTests
{
    private static CancellationToken Timeout => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_pinned_model_whose_worker_dies_comes_back_without_anybody_asking()
    {
        await using var pool = new WorkerPoolFixture();
        await pool.Pool.PinAsync(WorkerPoolFixture.Good, Timeout);
        var first = await pool.ProcessIdAsync();
        await WorkerPoolFixture.SignalAsync(first, "KILL");
        await Eventually.Async(() => Task.FromResult(pool.Pool.StateOf("tiny").Phase), phase => phase == WorkerPhase.Failed);
        pool.Clock.Advance(TimeSpan.FromSeconds(15)); // the pool looks every so often
        await Eventually.Async(() => Task.FromResult(pool.Pool.StateOf("tiny").Phase), phase => phase == WorkerPhase.Ready);
        Assert.NotEqual(first, await pool.ProcessIdAsync());
    }

    [Fact]
    public async Task A_pinned_model_gives_no_room_to_others()
    {
        // Room for two such models, as in WorkerMemoryTests.
        await using var pool = new WorkerPoolFixture(new EngineOptions { Threads = 1, MemoryBudget = 300L << 20 }, () => 1L << 40);
        await pool.Pool.PinAsync(WorkerPoolFixture.Good, Timeout);
        await pool.Pool.PinAsync(WorkerPoolFixture.Second, Timeout);
        var refused = await Assert.ThrowsAsync<GenerationException>(() => pool.LoadAsync("third"));
        Assert.Equal("memory.insufficient", refused.Code);
        Assert.Equal(WorkerPhase.Ready, pool.Pool.StateOf("tiny").Phase);

        pool.Pool.Unpin("tiny");
        await pool.LoadAsync("third");
        Assert.Equal(WorkerPhase.Idle, pool.Pool.StateOf("tiny").Phase);
    }
}
