using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine;

public sealed class GreedyTextTests
{
    [Fact]
    public async Task A_trained_model_tells_the_story_it_was_trained_on()
    {
        Assert.SkipWhen(RealModel.Path is null, RealModel.Missing);
        await using var worker = await WorkerProcess.StartReadyAsync(RealModel.Path);
        var story = await worker.GenerateAsync(new Submit { Text = "Once upon a time", MaxTokens = 100 });
        Assert.StartsWith(", there was a little girl named Lily. She loved to play outside in the park.", story.Text, StringComparison.Ordinal);
    }
}
