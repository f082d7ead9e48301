using LlmPlatform.Explore.Fit;
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
    private readonly ModelSearch models;

    internal CatalogueSearch(ModelSearch models) => this.models = models;

    internal async Task<ModelSearchPage> FindAsync(ModelQuestion question, IMemoryFit memory, CancellationToken cancellation)
    {
        var machine = memory.Machine();
        var judge = new FitJudge(memory, machine);
        var found = await models.FindAsync(question, machine.BudgetBytes, cancellation);
        var page = Page.Of(found.Rows, question.Limit, row => row.Place.ToString());
        return new ModelSearchPage([.. page.Items.Select(row => ModelSummary.Of(row.Model, judge, question.ContextTokens))], page.NextCursor, found.Facets, HubState.Off, false);
    }
}
