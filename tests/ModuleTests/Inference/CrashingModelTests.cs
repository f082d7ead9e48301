using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Workers;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.Options;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

/// <summary>Files that the validator refuses because llama.cpp ends its process over them, offered to llama.cpp all the same.</summary>
public sealed class CrashingModelTests
{
    private static CancellationToken Timeout => TestContext.Current.CancellationToken;

    public static TheoryData<string> Killers => ["2^32-1 layers", "100,000 experts", "the same token twice"];

    [Theory, MemberData(nameof(Killers))]
    public async Task A_file_that_ends_llama_ends_a_throw_away_worker_and_is_refused_with_a_reason(string name)
    {
        using var file = new HostileFile(name);
        var result = await Probe(new EngineOptions()).RunAsync(file.Path, Timeout);
        Assert.False(result.Ok);
        Assert.StartsWith("model.load_", result.Code, StringComparison.Ordinal);
        Assert.EndsWith(".", result.Message, StringComparison.Ordinal);
        Assert.True((await Probe(new EngineOptions()).RunAsync(TinyModel.Path, Timeout)).Ok);
    }

    [Fact]
    public async Task A_first_load_that_takes_too_long_counts_as_failed()
    {
        var result = await Probe(new EngineOptions { ProbeTimeout = TimeSpan.Zero }).RunAsync(TinyModel.Path, Timeout);
        Assert.Equal((false, "model.load_timeout"), (result.Ok, result.Code));
    }

    [Fact]
    public async Task A_model_whose_worker_dies_while_it_loads_is_tried_three_times_and_then_rests()
    {
        await using var pool = new WorkerPoolFixture();
        await File.WriteAllBytesAsync(pool.PathOf(WorkerPoolFixture.Bad), HostileGguf.Files["100,000 experts"].Bytes(), Timeout);
        for (var i = 0; i < FailureHistory.Limit; i++)
        {
            var failure = await Assert.ThrowsAsync<GenerationException>(() => pool.Pool.LeaseAsync(WorkerPoolFixture.Bad, Timeout));
            Assert.Equal((503, "model.load_crashed"), (failure.Status, failure.Code));
            await Eventually.Async(() => Task.FromResult(pool.Pool.StateOf("bad").Phase), phase => phase is WorkerPhase.Failed or WorkerPhase.Quarantined);
            pool.Clock.Advance(TimeSpan.FromSeconds(2));
        }

        var rest = await Assert.ThrowsAsync<GenerationException>(() => pool.Pool.LeaseAsync(WorkerPoolFixture.Bad, Timeout));
        Assert.Equal("model.quarantined", rest.Code);
        Assert.Equal(WorkerPhase.Quarantined, pool.Pool.StateOf("bad").Phase);
        Assert.Equal(1, (await pool.CompleteAsync(1)).Usage.CompletionTokens); // others are served
    }

    private static EngineProbe Probe(EngineOptions options) => new(new EngineFiles(Options.Create(options)), Options.Create(options), TimeProvider.System);

    private sealed class HostileFile : IDisposable
    {
        public HostileFile(string name) => File.WriteAllBytes(Path, HostileGguf.Files[name].Bytes());

        public string Path { get; } = System.IO.Path.GetTempFileName();

        public void Dispose() => File.Delete(Path);
    }
}
