using System.Text.Json.Serialization.Metadata;
using LlmPlatform.Explore.Catalogue;
using LlmPlatform.SharedKernel;
using LlmPlatform.SharedKernel.Outside;

namespace LlmPlatform.Explore.Hub;

/// <summary>What the hub knows, kept for a while; models that it tells of become rows of the catalogue.</summary>
public sealed class HubCatalogue
{
    private readonly HubClient client;
    private readonly HubAddress address;
    private readonly HubCache cache;
    private readonly ModelWriter models;

    internal HubCatalogue(HubClient client, HubAddress address, HubCache cache, ModelWriter models) =>
        (this.client, this.address, this.cache, this.models) = (client, address, cache, models);

    internal bool IsOff => address.IsOff;

    /// <exception cref="HubException">There is no answer.</exception>
    internal Task<Kept<IReadOnlyList<HubModel>>> SearchAsync(string words, CancellationToken cancellation) => KeptAsync(
        $"search:{words}",
        HubJson.Default.IReadOnlyListHubModel,
        async asking =>
        {
            var found = await client.SearchAsync(words, asking);
            await models.WriteAsync([.. found.Select(model => model.ToRow()).DistinctBy(row => row.Key)], asking);
            return found;
        },
        cancellation);

    /// <exception cref="HubException">There is no answer.</exception>
    internal Task<Kept<HubModel>> ModelAsync(string repository, CancellationToken cancellation) => KeptAsync(
        $"model:{repository.ToLowerInvariant()}",
        HubJson.Default.HubModel,
        async asking =>
        {
            var model = await client.ModelAsync(repository, asking);
            await models.WriteAsync([model.ToRow()], asking);
            return model;
        },
        cancellation);

    /// <exception cref="HubException">There is no answer.</exception>
    internal Task<Kept<HubCard>> CardAsync(string repository, CancellationToken cancellation) =>
        KeptAsync($"card:{repository.ToLowerInvariant()}", HubJson.Default.HubCard, asking => client.CardAsync(repository, asking), cancellation);

    /// <summary>The repository that a route names.</summary>
    /// <exception cref="Refusal">400: it cannot be one.</exception>
    internal static string Repository(string owner, string name) => HubFile.IsRepository($"{owner}/{name}")
        ? $"{owner}/{name}"
        : throw Refusal.BadParam("repository", "A repository of the hub is named like owner/name, of letters, digits, dots, dashes and underscores.", "hub.repository");

    // What was kept before an operator switched the hub off is not shown either.
    private Task<Kept<T>> KeptAsync<T>(string key, JsonTypeInfo<T> type, Func<CancellationToken, Task<T>> ask, CancellationToken cancellation) =>
        IsOff ? throw HubException.Off() : cache.GetAsync(key, type, ask, cancellation);
}
