using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Workers;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class DeadlineTests
{
    [Fact]
    public async Task A_request_that_takes_longer_than_an_operator_allows_ends_with_an_error_and_keeps_its_text()
    {
        await using var fixture = new WorkerPoolFixture(new EngineOptions { Threads = 1, RequestTimeout = TimeSpan.FromSeconds(1) });
        var text = "";
        var refusal = await Assert.ThrowsAsync<GenerationException>(async () =>
        {
            await foreach (var news in fixture.Continue())
            {
                text += (news as TextDelta)?.Text;
            }
        });
        Assert.Equal((504, "deadline.total"), (refusal.Status, refusal.Code));
        Assert.NotEmpty(text);
    }

    [Fact]
    public async Task A_request_without_a_token_in_time_ends_with_an_error()
    {
        await using var fixture = new WorkerPoolFixture(new EngineOptions { Threads = 1, FirstTokenTimeout = TimeSpan.Zero, QueueTimeout = TimeSpan.FromMinutes(5) });
        var refusal = await Assert.ThrowsAsync<GenerationException>(async () =>
        {
            await foreach (var news in fixture.Continue())
            {
                Assert.IsNotType<GenerationCompleted>(news);
            }
        });
        Assert.Equal("deadline.first_token", refusal.Code);
    }
}
