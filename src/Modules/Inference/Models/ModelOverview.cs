using LlmPlatform.Inference.Workers;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Inference.Models;

/// <summary>A model with its settings and what it takes, for those who look at one.</summary>
public sealed class ModelOverview
{
    private readonly WorkerPool workers;
    private readonly LoadPlanner planner;
    private readonly ModelFiles files;

    internal ModelOverview(WorkerPool workers, LoadPlanner planner, ModelFiles files) => (this.workers, this.planner, this.files) = (workers, planner, files);

    internal ModelDetails Of(Model model, ModelSettings settings)
    {
        var plan = planner.Plan(model.Id, model.Digest, settings);
        return ModelDetails.Of(model, workers) with
        {
            Settings = settings,
            Memory = plan.Memory is null ? null : plan.Needed,
            Loaded = workers.StateOf(model.Id).Model,
        };
    }

    /// <summary>What the file says, read anew; null where nothing is wanted or the file cannot be read.</summary>
    internal ModelHeader? HeaderOf(Model model, IReadOnlyList<string> parts)
    {
        if (parts.Count == 0)
        {
            return null;
        }

        try
        {
            return ModelHeader.Of(GgufFile.Read(files.PathOf(model.Digest)), parts);
        }
        catch (Exception e) when (e is GgufException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Refuses what this model can never do.</summary>
    internal void Check(Model model, ModelSettings settings)
    {
        if (settings.ContextTokens > model.ContextTokens && model.ContextTokens > 0)
        {
            throw ModelRefusals.ContextTooLong(model);
        }

        if (settings.KvCacheType is { } type && planner.Plan(model.Id, model.Digest, settings).Memory?.Supports(type) == false)
        {
            throw new Refusal(new Error(422, "model.kv_cache_type", $"The heads of this model cannot be stored as {type.Name()}; f16 always works.", "kvCacheType"));
        }
    }
}
