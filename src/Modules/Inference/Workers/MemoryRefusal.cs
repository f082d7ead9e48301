using System.Globalization;
using LlmPlatform.Inference.Models;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Inference.Workers;

/// <summary>Says why a model does not fit, in numbers, and what would.</summary>
internal static class MemoryRefusal
{
    private static readonly TimeSpan OthersMayEnd = TimeSpan.FromSeconds(10);

    /// <param name="plan">What did not fit.</param>
    /// <param name="room">Bytes that are available.</param>
    /// <param name="wait">Others are busy, and it would fit without them.</param>
    public static Error For(LoadPlan plan, long room, bool wait)
    {
        var needed = plan.Needed;
        var unit = Unit.For(needed.TotalBytes);
        var sentence = $"The model '{plan.Name}' needs {unit.Up(needed.TotalBytes)} {unit.Name}: weights {unit.Near(needed.WeightsBytes)}, KV cache {unit.Near(needed.KvCacheBytes)}, "
            + $"compute {unit.Near(needed.ComputeBytes)}, process {unit.Near(needed.ProcessBytes)}; {unit.Down(room)} {unit.Name} is available. {Suggestion(plan, room, unit)}";
        return new Error(503, "memory.insufficient", sentence) { RetryAfter = wait ? OthersMayEnd : null };
    }

    private static string Suggestion(LoadPlan plan, long room, Unit unit)
    {
        var (shorter, smaller) = (plan.LargestThatFits(room), plan.SmallerCacheThatFits(room));
        if (shorter is null && smaller is null)
        {
            return "No context is short enough; a model with fewer or more strongly quantised weights may fit.";
        }

        var context = shorter is null ? "" : $"A context of {shorter.ContextTokens} tokens would need {unit.Up(shorter.TotalBytes)} {unit.Name}. ";
        var cache = smaller is null || smaller.ContextTokens <= shorter?.ContextTokens ? ""
            : $"With the KV cache type {smaller.KvCacheType.Name()}, a context of {smaller.ContextTokens} tokens would need {unit.Up(smaller.TotalBytes)} {unit.Name}.";
        return (context + cache).TrimEnd();
    }

    /// <summary>One unit for a whole sentence. A need is rounded up and room down, so that a refusal never looks like a mistake.</summary>
    private readonly record struct Unit(string Name, long Bytes, string Format)
    {
        public static Unit For(long bytes) => bytes >= 1L << 30 ? new("GiB", 1L << 30, "0.0") : new("MiB", 1L << 20, "0");

        private decimal Step => Format == "0" ? 1 : 10;

        public string Up(long bytes) => Show(Math.Ceiling(In(bytes) * Step) / Step);

        public string Down(long bytes) => Show(Math.Floor(In(bytes) * Step) / Step);

        public string Near(long bytes) => Show(In(bytes));

        private decimal In(long bytes) => (decimal)bytes / Bytes;

        private string Show(decimal number) => number.ToString(Format, CultureInfo.InvariantCulture);
    }
}
