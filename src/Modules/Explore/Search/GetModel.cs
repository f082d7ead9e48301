using LlmPlatform.Explore.Catalogue;
using LlmPlatform.Explore.Fit;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;

namespace LlmPlatform.Explore.Search;

/// <summary>A model with every variant.</summary>
/// <param name="Model">What a list shows of it.</param>
/// <param name="Shape">What decides how much memory it takes; null where that is not known.</param>
/// <param name="Variants">Its files, smallest first.</param>
public sealed record ModelDetail(ModelSummary Model, ModelShape? Shape, IReadOnlyList<VariantDetail> Variants)
{
    internal static ModelDetail Of(ModelRow model, FitJudge judge, int? contextTokens)
    {
        var judged = judge.JudgeAll(model, contextTokens);
        var suggested = FitJudge.Suggest(judged);
        return new ModelDetail(
            ModelSummary.Of(model, judge, contextTokens),
            model.Shape,
            [
                .. judged.OrderBy(v => v.Variant.SizeBytes ?? long.MaxValue).ThenBy(v => v.Variant.File, StringComparer.Ordinal)
                    .Select(v => new VariantDetail(v.Variant, v.Fit, v.Variant.SourceIn(model.Hub), v == suggested)),
            ]);
    }
}

/// <summary>A model of the catalogue with every variant.</summary>
/// <param name="Model">What a list shows of it.</param>
/// <param name="Shape">What decides how much memory it takes; null where that is not known.</param>
/// <param name="Variants">Its files, smallest first.</param>
/// <param name="Hub">Whether the hub had a part in this; it is asked where only it knows how large the files are.</param>
/// <param name="Stale">The hub could not be asked, and what it said before is shown.</param>
public sealed record CatalogueModel(ModelSummary Model, ModelShape? Shape, IReadOnlyList<VariantDetail> Variants, HubState Hub, bool Stale);

/// <summary>A variant, whether it runs here, and how to get it.</summary>
/// <param name="Variant">The file.</param>
/// <param name="Fit">Whether it runs on this machine.</param>
/// <param name="InstallSource">What <c>POST /api/v1/inference/installs</c> takes as <c>source</c>; null where it cannot be installed.</param>
/// <param name="IsSuggested">It is the one that suits this machine best.</param>
public sealed record VariantDetail(Variant Variant, MemoryVerdict Fit, string? InstallSource, bool IsSuggested);

public static class GetModelEndpoint
{
    [WolverineGet("/api/v1/explore/models/{*key}", OperationId = "getCatalogueModel"), Authorize]
    [EndpointSummary("Show a model with every variant, and which of them suits this machine"), Tags("Explore")]
    [ProducesResponseType(typeof(ProblemDetails), 400, "application/problem+json"), ProducesResponseType(typeof(ProblemDetails), 404, "application/problem+json")]
    public static async Task<CatalogueModel> GetAsync(
        string key,
        [FromQuery] int? contextTokens,
        CurrentUser currentUser,
        CatalogueSearch search,
        IModelCatalog catalog,
        IQuerySession session,
        IMemoryFit memory,
        CancellationToken cancellation)
    {
        var tokens = ModelQuestion.CheckContext(contextTokens);
        var visible = await VisibleModels.ToAsync(currentUser, catalog, cancellation);
        var model = await session.ModelAsync(key, cancellation) is { } row && visible.Has(row) ? row : throw ModelQueries.NotFound();
        var (state, isStale) = model is { Source: ModelSource.Hub, IsDetailed: false } ? await search.AskHubForAsync(model.Hub!, cancellation) : (HubState.Ok, false);
        var known = model.IsDetailed ? model : await session.ModelAsync(key, cancellation) ?? model;
        var detail = ModelDetail.Of(visible.Of(known), new FitJudge(memory, memory.Machine()), tokens);
        return new CatalogueModel(detail.Model, detail.Shape, detail.Variants, state, isStale);
    }
}
