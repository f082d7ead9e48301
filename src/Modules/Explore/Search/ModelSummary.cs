using LlmPlatform.Explore.Catalogue;
using LlmPlatform.Explore.Fit;

namespace LlmPlatform.Explore.Search;

/// <summary>A model as a list shows it. What is not known is null.</summary>
/// <param name="Key">Asks for it: <c>GET /api/v1/explore/models/{key}</c>.</param>
/// <param name="Source">Where it is listed.</param>
/// <param name="Name">Its title.</param>
/// <param name="Developer">Who made it.</param>
/// <param name="Summary">A sentence or two.</param>
/// <param name="Hub">Its repository, <c>owner/name</c>.</param>
/// <param name="Architecture">As in its header.</param>
/// <param name="Parameters">Number of weights.</param>
/// <param name="Licence">Its licence, as the hub writes it.</param>
/// <param name="ContextTokens">The context it was trained for.</param>
/// <param name="Tasks">What it is for.</param>
/// <param name="Quantisations">What it can be had in.</param>
/// <param name="SmallestBytes">Size of the smallest variant.</param>
/// <param name="LargestBytes">Size of the largest variant.</param>
/// <param name="InstalledNames">The names under which it is installed here.</param>
/// <param name="Digest">Digest of its file, where it is installed.</param>
/// <param name="InstalledAt">When it came here.</param>
/// <param name="Downloads">As the hub counts them.</param>
/// <param name="Likes">As the hub counts them.</param>
/// <param name="UpdatedAt">When it last changed.</param>
/// <param name="Suggested">The variant that suits this machine best.</param>
/// <param name="Fit">Whether that one runs here.</param>
public sealed record ModelSummary(
    string Key,
    ModelSource Source,
    string Name,
    string? Developer,
    string? Summary,
    string? Hub,
    string? Architecture,
    long? Parameters,
    string? Licence,
    int? ContextTokens,
    IReadOnlyList<string> Tasks,
    IReadOnlyList<string> Quantisations,
    long? SmallestBytes,
    long? LargestBytes,
    IReadOnlyList<string> InstalledNames,
    string? Digest,
    DateTimeOffset? InstalledAt,
    long? Downloads,
    long? Likes,
    DateTimeOffset? UpdatedAt,
    Variant? Suggested,
    MemoryVerdict Fit)
{
    internal static ModelSummary Of(ModelRow model, FitJudge judge, int? contextTokens)
    {
        var suggested = FitJudge.Suggest(judge.JudgeAll(model, contextTokens));
        return new ModelSummary(
            model.Key,
            model.Source,
            model.Name,
            model.Developer,
            model.Summary,
            model.Hub,
            model.Architecture,
            model.Parameters,
            model.Licence,
            model.ContextTokens,
            model.Tasks,
            [.. model.Variants.Select(v => v.Quantisation).OfType<string>().Distinct()],
            model.Variants.Min(v => v.SizeBytes),
            model.Variants.Max(v => v.SizeBytes),
            model.InstalledNames,
            model.Digest,
            model.InstalledAt,
            model.Downloads,
            model.Likes,
            model.UpdatedAt,
            suggested?.Variant,
            suggested?.Fit ?? MemoryVerdict.Unknown);
    }
}
