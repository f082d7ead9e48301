using LlmPlatform.Explore.Catalogue;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Explore.Fit;

/// <summary>Whether a model can run on this machine.</summary>
public enum Verdict
{
    /// <summary>Beside everything that is loaded now.</summary>
    Fits,

    /// <summary>Once models that are loaded now have made room.</summary>
    FitsWhenOthersUnload,

    /// <summary>Not on this machine.</summary>
    TooLarge,

    /// <summary>Nobody says how large it is.</summary>
    Unknown,
}

/// <summary>A verdict with its numbers.</summary>
/// <param name="Verdict">Whether it can run here.</param>
/// <param name="NeededBytes">Memory that it takes, as far as that is known.</param>
/// <param name="ContextTokens">What one conversation may hold then; null where the shape of the model is not known.</param>
/// <param name="IsComplete">False where the cache of a conversation is not counted, because the shape of the model is not known, or where the size is rounded: then it may take more.</param>
public sealed record MemoryVerdict(Verdict Verdict, long? NeededBytes, int? ContextTokens, bool IsComplete)
{
    /// <summary>All of it fits into the free memory of one graphics processor, where it runs many times faster.</summary>
    public bool FitsGpu { get; init; }

    internal static MemoryVerdict Unknown { get; } = new(Verdict.Unknown, null, null, false);
}

/// <summary>A file of a model, and whether it runs here.</summary>
internal sealed record JudgedVariant(Variant Variant, MemoryVerdict Fit);

/// <summary>Holds variants against the machine as it is now.</summary>
internal sealed class FitJudge(IMemoryFit memory, MachineMemory machine)
{
    // More bits than this cost memory and speed, and nobody reads the difference.
    private const double EnoughBits = 10;

    public MemoryVerdict Judge(Variant variant, ModelShape? shape, int? contextTokens)
    {
        if (variant.SizeBytes is not { } size)
        {
            return MemoryVerdict.Unknown;
        }

        var need = memory.Need(size, shape, contextTokens);
        var verdict = need.TotalBytes <= machine.RoomBytes ? Verdict.Fits : need.TotalBytes <= machine.BudgetBytes ? Verdict.FitsWhenOthersUnload : Verdict.TooLarge;
        return new MemoryVerdict(verdict, need.TotalBytes, need.ContextTokens, need.IsComplete && !variant.SizeIsRounded)
        {
            FitsGpu = machine.Gpus.Any(gpu => gpu.FreeBytes >= need.TotalBytes),
        };
    }

    public IReadOnlyList<JudgedVariant> JudgeAll(ModelRow model, int? contextTokens) =>
        [.. model.Variants.Select(variant => new JudgedVariant(variant, Judge(variant, model.Shape, contextTokens)))];

    /// <summary>
    /// The largest that fits, because more bits answer better, but not beyond what makes a difference; where none fits, the smallest. Files that
    /// can be installed go first: one that is split cannot.
    /// </summary>
    public static JudgedVariant? Suggest(IReadOnlyList<JudgedVariant> variants)
    {
        var whole = variants.Where(v => v.Variant.Parts == 1).ToArray();
        var candidates = whole.Length > 0 ? whole : [.. variants];
        var fitting = candidates.Where(v => v.Fit.Verdict == Verdict.Fits).ToArray() is { Length: > 0 } now ? now : [.. candidates.Where(v => v.Fit.Verdict == Verdict.FitsWhenOthersUnload)];
        var sensible = fitting.Where(v => Quantisation.BitsOf(v.Variant.Quantisation) is null or <= EnoughBits).ToArray();
        return sensible.Length > 0 ? sensible.MaxBy(v => v.Variant.SizeBytes)
            : fitting.Length > 0 ? fitting.MinBy(v => v.Variant.SizeBytes)
            : candidates.Where(v => v.Variant.SizeBytes is not null).MinBy(v => v.Variant.SizeBytes) ?? candidates.FirstOrDefault();
    }
}
