using System.Diagnostics;
using LlmPlatform.Auth.Contracts;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Generation;
using LlmPlatform.Inference.Models;
using LlmPlatform.Inference.Names;
using LlmPlatform.Inference.Quotas;
using LlmPlatform.Inference.Workers;
using LlmPlatform.ModuleTests.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

/// <summary>A pool of real workers over a folder with two files: a small model, and one that is none.</summary>
internal sealed class WorkerPoolFixture : IModelTargets, IModelSettings, IQuotaLimits, IAsyncDisposable
{
    public static readonly InstalledModel Good = new("tiny", "sha256:good", 1, "llama", 1, 512, default);
    public static readonly InstalledModel Second = Good with { Name = "second" };
    public static readonly InstalledModel Third = Good with { Name = "third" };
    public static readonly InstalledModel Bad = new("bad", "sha256:bad", 1, "llama", 1, 512, default);

    private static readonly IReadOnlyList<InstalledModel> Models = [Good, Second, Third, Bad];
    private static readonly TinyShape Slow = new(8, 256, 704, 8, 4, 4096, 4000, TensorType.Q8_0);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("pool-");
    private readonly ModelFiles files;
    private readonly GenerationMetrics metrics = new();

    public WorkerPoolFixture(EngineOptions? options = null, Func<long>? available = null)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("Inference:ModelsPath", folder.FullName)]).Build();
        files = new ModelFiles(configuration);
        files.CreateFolders();
        using (var file = File.Create(files.PathOf(Good.Digest)))
        {
            TinyModel.Write(file, Slow, seed: 1);
        }

        File.WriteAllText(files.PathOf(Bad.Digest), "GGUF, or so it says");
        var settings = Options.Create(options ?? new EngineOptions { Threads = 1 });
        Planner = new LoadPlanner(files, this, settings);
        Budget = new MemoryBudget(settings.Value.MemoryBudget, available ?? new AvailableMemory().Read);
        Pool = new WorkerPool(new EngineFiles(settings), Planner, Budget, settings, metrics, Clock, NullLogger<WorkerPool>.Instance);
        var ledger = new QuotaLedger(NpgsqlDataSource.Create("Host=127.0.0.1;Port=1")); // never asked, since nothing is limited here
        var metering = new Metering(this, ledger, new RunningRequests(null!, ledger, Clock, NullLogger<RunningRequests>.Instance), Clock);
        Generator = new TextGenerator(new EngineCalls(this, Pool, metering, settings), metrics, Clock);
    }

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero));

    public WorkerPool Pool { get; }

    public LoadPlanner Planner { get; }

    public MemoryBudget Budget { get; }

    /// <summary>What administrators set, by name of model.</summary>
    public Dictionary<string, ModelSettings> Settings { get; } = [];

    public TextGenerator Generator { get; }

    private static CancellationToken Timeout => TestContext.Current.CancellationToken;

    public string PathOf(InstalledModel model) => files.PathOf(model.Digest);

    public Task LoadAsync(string name) => Pool.LoadAsync(Models.First(m => m.Name == name), Timeout);

    Task<ModelTarget?> IModelTargets.FindAsync(string name, ModelUser user, CancellationToken cancellation) =>
        Task.FromResult(Models.FirstOrDefault(m => m.Name == name) is { } model ? new ModelTarget(model) : null);

    Task<IReadOnlyList<QuotaLimit>> IQuotaLimits.FindAsync(QuotaSubject subject, CancellationToken cancellation) => Task.FromResult<IReadOnlyList<QuotaLimit>>([]);

    Task<ModelSettings> IModelSettings.FindAsync(string name, CancellationToken cancellation) =>
        Task.FromResult(Settings.GetValueOrDefault(name) ?? new ModelSettings());

    public async Task<int> ProcessIdAsync()
    {
        using var lease = await Pool.LeaseAsync(Good, Timeout);
        return lease.Worker.ProcessId;
    }

    /// <summary>The model never stops by itself, so this lasts as long as its context: seconds, in which something can happen.</summary>
    public IAsyncEnumerable<GenerationEvent> Continue(int? maxTokens = null) =>
        Generator.ContinueAsync(new TextContinuation(Good.Name, new ModelUser(Guid.Empty, "user"), "Once") { Sampling = new SamplingOptions { Temperature = 0 }, MaxTokens = maxTokens }, Timeout);

    public async Task<GenerationCompleted> CompleteAsync(int maxTokens) =>
        Assert.IsType<GenerationCompleted>(await Continue(maxTokens).LastAsync(Timeout));

    public static async Task SignalAsync(int processId, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{processId}"]);
        await kill.WaitForExitAsync(Timeout);
        Assert.Equal(0, kill.ExitCode);
    }

    public static bool IsAlive(int processId) => Directory.Exists($"/proc/{processId}");

    public async ValueTask DisposeAsync()
    {
        await Pool.DisposeAsync();
        metrics.Dispose();
        folder.Delete(recursive: true);
    }
}
