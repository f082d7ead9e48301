namespace LlmPlatform.Measuring;

internal static class Statistics
{
    public static double Median(this IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }

    /// <summary>The smallest value that is not below <paramref name="percent"/> of all.</summary>
    public static double Percentile(this IEnumerable<double> values, double percent)
    {
        var sorted = values.Order().ToList();
        return sorted[Math.Max(0, (int)Math.Ceiling(sorted.Count * percent / 100) - 1)];
    }

    /// <summary>How far the runs lie apart, as a part of their median.</summary>
    public static double Spread(this IReadOnlyCollection<double> values) => (values.Max() - values.Min()) / values.Median();
}
