using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine;

/// <summary>With one slot a request that runs on would keep every other waiting for many seconds.</summary>
public sealed class CancellationTests : IDisposable
{
    private readonly string model = Path.GetTempFileName();

    public CancellationTests()
    {
        using var stream = File.Create(model);
        TinyModel.Write(stream, TinyShape.Tiny with { Context = 32_768 }, seed: 1);
    }

    public void Dispose() => File.Delete(model);

    [Fact]
    public async Task Cancelling_ends_a_stream_in_the_middle_and_frees_its_place()
    {
        await using var worker = await WorkerProcess.StartReadyAsync(model, "--slots", "1", "--context", "32768");
        var endless = await worker.SubmitAsync(new Submit { Text = "Tell me" });
        while ((await worker.ReadEventAsync()).Delta is null)
        {
        }

        await worker.CancelAsync(endless);
        var usage = await FinishedAsync(worker, endless, FinishReason.Cancelled);
        Assert.InRange(usage.CompletionTokens, 1u, 30_000u);
        Assert.Equal(3u, (await worker.GenerateAsync(new Submit { Text = "Next", MaxTokens = 3 })).Finished?.Usage.CompletionTokens);
    }

    [Fact]
    public async Task Cancelling_reaches_a_request_that_still_waits()
    {
        await using var worker = await WorkerProcess.StartReadyAsync(model, "--slots", "1", "--context", "32768");
        var endless = await worker.SubmitAsync(new Submit { Text = "Tell me" });
        var waiting = await worker.SubmitAsync(new Submit { Text = "Me too" });
        await worker.CancelAsync(waiting);
        var usage = await FinishedAsync(worker, waiting, FinishReason.Cancelled);
        Assert.Equal(0u, usage.CompletionTokens);
        await worker.CancelAsync(endless);
        await FinishedAsync(worker, endless, FinishReason.Cancelled);
    }

    [Fact]
    public async Task Cancelling_in_the_middle_of_a_long_prompt_leaves_a_sound_engine()
    {
        await using var worker = await WorkerProcess.StartReadyAsync(model, "--slots", "1", "--context", "32768");
        var expected = await worker.GenerateAsync(new Submit { Text = "Next", MaxTokens = 20 });
        var prompt = await worker.SubmitAsync(new Submit { Text = string.Concat(Enumerable.Repeat("zebra ", 5_000)) });
        while ((await worker.ReadEventAsync()).Admitted is null)
        {
        }

        await worker.CancelAsync(prompt);
        await FinishedAsync(worker, prompt, FinishReason.Cancelled);
        Assert.Equal(expected.Text, (await worker.GenerateAsync(new Submit { Text = "Next", MaxTokens = 20 })).Text);
    }

    private static async Task<Usage> FinishedAsync(WorkerProcess worker, ulong id, FinishReason reason)
    {
        while (true)
        {
            var news = await worker.ReadEventAsync();
            if (news.Id == id && news.Finished is { } finished)
            {
                Assert.Equal(reason, finished.Reason);
                return finished.Usage;
            }
        }
    }
}
