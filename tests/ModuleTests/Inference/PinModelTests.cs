using System.Net.Http.Json;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.Workers;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class PinModelTests(PlatformFixture platform)
{
    private static CancellationToken Timeout => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_pinned_model_whose_worker_dies_comes_back_without_anybody_asking()
    {
        await platform.Administrator.EnsureInstalledAsync(platform, "reborn");
        (await platform.Administrator.PatchAsJsonAsync("/api/v1/inference/models/reborn", new { pinned = true })).EnsureSuccessStatusCode();
        var first = await ProcessAsync();
        await WorkerPoolFixture.SignalAsync(first, "KILL");
        Assert.NotEqual(first, await Eventually.Async(ProcessAsync, process => process != first));
        (await platform.Administrator.PatchAsJsonAsync("/api/v1/inference/models/reborn", new { pinned = false })).EnsureSuccessStatusCode();

        // Only looks, so that it is not this test that starts a worker.
        async Task<int> ProcessAsync()
        {
            await Eventually.Async(() => Task.FromResult(Pool.StateOf("reborn").Phase), phase => phase == WorkerPhase.Ready);
            using var lease = await Pool.LeaseAsync(new InstalledModel("reborn", await DigestAsync(), 1, "llama", 1, 1, default), Timeout);
            return lease.Worker.ProcessId;
        }
    }

    [Fact]
    public async Task A_pinned_model_that_is_deleted_lets_the_next_one_of_its_name_go()
    {
        await platform.Administrator.EnsureInstalledAsync(platform, "taken-over");
        (await platform.Administrator.PatchAsJsonAsync("/api/v1/inference/models/taken-over", new { pinned = true })).EnsureSuccessStatusCode();
        await Eventually.Async(() => Task.FromResult(Pool.StateOf("taken-over").Phase), phase => phase == WorkerPhase.Ready);
        (await platform.Administrator.DeleteAsync("/api/v1/inference/models/taken-over")).EnsureSuccessStatusCode();
        await platform.Administrator.EnsureInstalledAsync(platform, "taken-over");
        await Eventually.Async(() => Task.FromResult(Pool.StateOf("taken-over").Phase), phase => phase == WorkerPhase.Idle);
        Assert.Equal(System.Net.HttpStatusCode.Accepted, (await platform.Administrator.PostAsync("/api/v1/inference/models/taken-over/unload", null)).StatusCode);
    }

    [Fact]
    public async Task Models_that_are_pinned_no_more_are_let_go_whoever_missed_the_message()
    {
        await using var pool = new WorkerPoolFixture();
        pool.Pool.PinOnly([WorkerPoolFixture.Good, WorkerPoolFixture.Second]);
        Assert.Equal(["second", "tiny"], pool.Pool.MissingPinned().Select(m => m.Name).Order());
        pool.Pool.PinOnly([WorkerPoolFixture.Second]);
        Assert.Equal(["second"], pool.Pool.MissingPinned().Select(m => m.Name));
    }

    [Fact]
    public async Task A_pinned_model_gives_no_room_to_others()
    {
        // Room for two such models, as in WorkerMemoryTests.
        await using var pool = new WorkerPoolFixture(new EngineOptions { Threads = 1, MemoryBudget = 300L << 20 }, () => 1L << 40);
        pool.Pool.PinOnly([WorkerPoolFixture.Good, WorkerPoolFixture.Second]);
        await pool.LoadAsync("tiny");
        await pool.LoadAsync("second");
        var refused = await Assert.ThrowsAsync<GenerationException>(() => pool.LoadAsync("third"));
        Assert.Equal("memory.insufficient", refused.Code);
        Assert.Null(refused.RetryAfter); // waiting helps nobody
        Assert.Equal(WorkerPhase.Ready, pool.Pool.StateOf("tiny").Phase);

        pool.Pool.Unpin("tiny");
        await pool.LoadAsync("third");
        Assert.Equal(WorkerPhase.Idle, pool.Pool.StateOf("tiny").Phase);
    }

    private WorkerPool Pool => platform.Platform.App.Services.GetRequiredService<WorkerPool>();

    private async Task<string> DigestAsync() => (await platform.Administrator.GetJsonAsync("/api/v1/inference/models/reborn")).Text("digest")!;
}
