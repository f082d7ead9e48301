using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Inference.Workers;

public sealed class WorkerPool : IAsyncDisposable
{
    private readonly IModelCatalog models;
    private readonly Dictionary<string, WorkerState> states = [];

    internal WorkerPool(IModelCatalog models) => this.models = models;

    public Task LoadAsync(string name, CancellationToken cancellation) => models.FindAsync(name, cancellation);

    public Task UnloadAsync(string name, CancellationToken cancellation) => models.FindAsync(name, cancellation);

    public WorkerState StateOf(string name) => states.GetValueOrDefault(name, new(WorkerPhase.Idle));


    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
