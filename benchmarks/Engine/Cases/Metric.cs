using System.Globalization;

namespace LlmPlatform.Benchmarks.Cases;

/// <summary>A measured value and what it should be: so many times the peer's value, or in itself.</summary>
internal sealed record Metric(string Name, string Unit, bool MoreIsBetter, double? Ratio = null, double? Bound = null)
{
    public const string Throughput = "tokens/s";

    public static Metric TokensPerSecond(double ratio) => new("throughput", Throughput, MoreIsBetter: true, ratio);

    public static Metric Milliseconds(string name, double? ratio = null, double? bound = null) => new(name, "ms", MoreIsBetter: false, ratio, bound);

    public string Goal => (Ratio, Bound) switch
    {
        ({ } ratio, _) => string.Create(CultureInfo.InvariantCulture, $"{Sign} {ratio:0.##}x"),
        (_, { } bound) => string.Create(CultureInfo.InvariantCulture, $"{Sign} {bound:0.##} {Unit}"),
        _ => "",
    };

    private string Sign => MoreIsBetter ? ">=" : "<=";

    /// <summary>Null where there is no goal, or nothing to compare with.</summary>
    public bool? IsMet(double ours, double? peer)
    {
        var limit = Ratio is { } ratio ? ratio * peer : Bound;
        return limit is { } value && !double.IsNaN(ours) ? (MoreIsBetter ? ours >= value : ours <= value) : null;
    }
}
