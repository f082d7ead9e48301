using LlmPlatform.Explore.Catalogue;
using LlmPlatform.Explore.Fit;
using LlmPlatform.Explore.Hub;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Explore.Search;

/// <summary>Whether the hub had a part in an answer.</summary>
public enum HubState
{
    /// <summary>An operator switched it off.</summary>
    Off,

    /// <summary>It answered, or there was nothing to ask it.</summary>
    Ok,

    /// <summary>It could not be asked.</summary>
    Unreachable,

    /// <summary>It has not answered yet; the same search in a moment knows more.</summary>
    Asking,
}

/// <summary>One search over everything: the hub first, because what it says becomes rows, then the rows.</summary>
public sealed class CatalogueSearch
{
    // Whoever types gets an answer at once; what the hub says later is there at the next letter.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private const int ShortestQuery = 2;

    private readonly ModelSearch models;
    private readonly HubCatalogue hub;
    private readonly TimeProvider time;

    internal CatalogueSearch(ModelSearch models, HubCatalogue hub, TimeProvider time) => (this.models, this.hub, this.time) = (models, hub, time);

    internal async Task<ModelSearchPage> FindAsync(ModelQuestion question, IMemoryFit memory, CancellationToken cancellation)
    {
        var (state, isStale) = await AskHubAsync(question, cancellation);
        var machine = memory.Machine();
        var judge = new FitJudge(memory, machine);
        var found = await models.FindAsync(question, machine.BudgetBytes, cancellation);
        var page = Page.Of(found.Rows, question.Limit, row => row.Place.ToString());
        return new ModelSearchPage([.. page.Items.Select(row => ModelSummary.Of(row.Model, judge, question.ContextTokens))], page.NextCursor, found.Facets, state, isStale);
    }

    /// <summary>Has the hub tell of a model what a search does not; whatever goes wrong, the row stays as it is.</summary>
    internal Task<(HubState State, bool IsStale)> AskHubForAsync(string repository, CancellationToken cancellation) =>
        WaitAsync(waiting => hub.ModelAsync(repository, waiting), kept => kept.IsStale, cancellation);

    private async Task<(HubState State, bool IsStale)> AskHubAsync(ModelQuestion question, CancellationToken cancellation)
    {
        var isAsked = question is { After: null, Installed: not true, Source: null or ModelSource.Hub } && question.Text.Normal.Length >= ShortestQuery;
        return hub.IsOff ? (HubState.Off, false)
            : isAsked ? await WaitAsync(waiting => hub.SearchAsync(question.Text.Normal, waiting), kept => kept.IsStale, cancellation)
            : (HubState.Ok, false);
    }

    private async Task<(HubState State, bool IsStale)> WaitAsync<T>(Func<CancellationToken, Task<T>> ask, Func<T, bool> isStale, CancellationToken cancellation)
    {
        if (hub.IsOff)
        {
            return (HubState.Off, false);
        }

        try
        {
            var stale = isStale(await ask(cancellation).WaitAsync(Patience, time, cancellation));
            return (stale ? HubState.Unreachable : HubState.Ok, stale);
        }
        catch (TimeoutException)
        {
            return (HubState.Asking, false);
        }
        catch (HubException failure)
        {
            return (failure.IsPassing ? HubState.Asking : failure.IsFinal ? HubState.Ok : HubState.Unreachable, false);
        }
    }
}
