using LlmPlatform.Explore.Catalogue;
using LlmPlatform.Explore.Fit;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;
using Marten;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Npgsql;
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
    public static async Task<ModelDetail> GetAsync(
        string key, [FromQuery] int? contextTokens, IQuerySession session, IMemoryFit memory, CancellationToken cancellation)
    {
        var tokens = ModelQuestion.CheckContext(contextTokens);
        await using var command = new NpgsqlCommand($"select {ModelReader.Columns} from explore.models m where key = $1");
        command.Parameters.AddWithValue(key);
        await using var reader = await session.ExecuteReaderAsync(command, cancellation);
        return await reader.ReadAsync(cancellation)
            ? ModelDetail.Of(ModelReader.Read(reader, 0), new FitJudge(memory, memory.Machine()), tokens)
            : throw Refusal.NotFound("explore.model_not_found", "There is no such model in the catalogue.");
    }
}
