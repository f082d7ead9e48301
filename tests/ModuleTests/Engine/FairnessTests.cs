using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine;

public sealed class FairnessTests
{
    [Theory, InlineData(1), InlineData(2), InlineData(8)]
    public async Task A_tenant_with_a_short_request_does_not_wait_for_one_with_a_hundred_long_ones(int slots)
    {
        await using var worker = await WorkerProcess.StartReadyAsync(RealModel.PathOrStandIn, "--slots", $"{slots}");
        for (var number = 0; number < 100; number++)
        {
            await worker.SubmitAsync(new Submit { Tenant = "greedy", Text = "Once upon a time", MaxTokens = 200 });
        }

        while ((await worker.ReadEventAsync()).Delta is null)
        {
        }

        var mine = await worker.SubmitAsync(new Submit { Tenant = "modest", Text = "Tom had", MaxTokens = 3 });
        var finishedBefore = 0;
        while (true)
        {
            var news = await worker.ReadEventAsync();
            if (news.Id == mine && news.Finished is not null)
            {
                break;
            }

            finishedBefore += news.Finished is not null ? 1 : 0;
        }

        // With a single place the one that has it may finish; nobody else's comes first.
        Assert.InRange(finishedBefore, 0, 2 * slots);
    }

    [Fact]
    public async Task A_request_that_gave_way_loses_nothing()
    {
        await using var worker = await WorkerProcess.StartReadyAsync(RealModel.PathOrStandIn, "--slots", "2");
        var alone = await worker.GenerateAsync(new Submit { Tenant = "first", Text = "Once upon a time", MaxTokens = 300 });
        var one = await worker.SubmitAsync(new Submit { Tenant = "greedy", Text = "Once upon a time", MaxTokens = 300 });
        var other = await worker.SubmitAsync(new Submit { Tenant = "greedy", Text = "Once upon a time", MaxTokens = 300 });
        var mine = await worker.SubmitAsync(new Submit { Tenant = "modest", Text = "Tom had", MaxTokens = 100 });
        var result = await worker.ReadToEndAsync(one, other, mine);
        Assert.All((ulong[])[one, other], id => Assert.Equal(300u, result[id].Finished?.Usage.CompletionTokens));
        Assert.Equal(alone.Text[..100], result[one].Text[..100]);
        Assert.Equal(100u, result[mine].Finished?.Usage.CompletionTokens);
    }

    [Fact]
    public async Task A_queue_that_is_full_says_when_to_come_back()
    {
        await using var worker = await WorkerProcess.StartReadyAsync(RealModel.PathOrStandIn, "--slots", "1");
        var ids = new List<ulong>();
        for (var number = 0; number < 700; number++)
        {
            ids.Add(await worker.SubmitAsync(new Submit { Tenant = "greedy", Text = "Once", MaxTokens = 2000 }));
        }

        var refused = 0;
        while (refused < 100)
        {
            var news = await worker.ReadEventAsync();
            if (news.Failed is { } failed)
            {
                Assert.Equal("queue.full", failed.Code);
                Assert.NotEqual(0u, failed.RetryAfter);
                refused++;
            }
        }

        var other = await worker.GenerateAsync(new Submit { Tenant = "modest", Text = "Once", MaxTokens = 2 });
        Assert.Equal(2u, other.Finished?.Usage.CompletionTokens);
    }

    [Fact]
    public async Task Whoever_cannot_wait_is_told_so_in_time()
    {
        await using var worker = await WorkerProcess.StartReadyAsync(RealModel.PathOrStandIn, "--slots", "1");
        var running = await worker.SubmitAsync(new Submit { Tenant = "one", Text = "Once upon a time" });
        var waiting = await worker.SubmitAsync(new Submit { Tenant = "one", Text = "Once", Deadlines = new Deadlines { Queue = 1 } });
        var ends = await worker.ReadToEndAsync(waiting);
        Assert.Equal("deadline.queue", ends[waiting].Failed?.Code);
        await worker.CancelAsync(running);

        var endless = await worker.GenerateAsync(
            new Submit { Tenant = "two", Text = "Once", Sampling = new Sampling { IgnoreEos = true }, Deadlines = new Deadlines { Total = 30 } });
        Assert.True(endless.Failed?.Code == "deadline.total" || endless.Finished?.Reason == FinishReason.Length, "It ended in another way.");
    }
}
