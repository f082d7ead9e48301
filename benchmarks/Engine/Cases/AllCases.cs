namespace LlmPlatform.Benchmarks.Cases;

internal static class AllCases
{
    private static readonly Metric[] Together =
        [Metric.TokensPerSecond(1.6), Metric.Milliseconds("TTFT p50", 0.6), Metric.Milliseconds("TTFT p95", 0.75)];

    public static IReadOnlyList<Case> List { get; } =
    [
        new Streams("tiny-1", BenchmarkModel.Trained, 1, 256, 512, Metric.TokensPerSecond(1.1), Metric.Milliseconds("TTFT")),
        new Streams("56m-1", BenchmarkModel.Medium, 1, 128, 512, Metric.TokensPerSecond(1.4), Metric.Milliseconds("TTFT")),
        new Streams("56m-16", BenchmarkModel.Medium, 16, 64, 512, Together),
        new Streams("56m-32", BenchmarkModel.Medium, 32, 64, 512, Together),
        new Turns(),
        new Stall(),
        new Fairness(),
        new Leave { IsOursOnly = true },
        new Streams("415m-4", BenchmarkModel.Large, 4, 32, 512, Metric.TokensPerSecond(1.0), Metric.Milliseconds("TTFT p50")) { IsSlow = true },
    ];

    public static IEnumerable<Case> Chosen(Options options) =>
        List.Where(c => options.Cases.Count > 0 ? options.Cases.Contains(c.Name) : options.All || !c.IsSlow);
}
