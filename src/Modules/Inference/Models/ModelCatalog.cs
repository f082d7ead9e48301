using LlmPlatform.Inference.Contracts;
using Marten;

namespace LlmPlatform.Inference.Models;

internal sealed class ModelCatalog(IInferenceStore store) : IModelCatalog
{
    public async Task<IReadOnlyList<InstalledModel>> ListAsync(CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        return [.. (await session.Query<Model>().OrderBy(m => m.Id).ToListAsync(cancellation)).Select(Entry)];
    }

    public async Task<InstalledModel?> FindAsync(string name, CancellationToken cancellation)
    {
        if (!Model.IsName(name))
        {
            return null;
        }

        await using var session = store.QuerySession();
        return await session.LoadAsync<Model>(name, cancellation) is { } model ? Entry(model) : null;
    }

    private static InstalledModel Entry(Model model) =>
        new(model.Id, model.Digest, model.SizeBytes, model.Architecture, model.Parameters, model.ContextTokens, model.InstalledAt);
}
