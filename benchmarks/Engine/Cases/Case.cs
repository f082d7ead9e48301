using LlmPlatform.Benchmarks.Servers;

namespace LlmPlatform.Benchmarks.Cases;

/// <summary>Something that clients do to a server, and what of it is measured.</summary>
internal abstract class Case(string name, BenchmarkModel model, int streams, int contextTokens, params Metric[] metrics)
{
    public string Name => name;

    public BenchmarkModel Model => model;

    /// <summary>How many sequences the peer is told to expect.</summary>
    public int Streams => streams;

    /// <summary>Of one sequence.</summary>
    public int ContextTokens => contextTokens;

    /// <summary>The first one decides how many threads suit the peer better.</summary>
    public IReadOnlyList<Metric> Metrics => metrics;

    /// <summary>Runs only when asked for.</summary>
    public bool IsSlow { get; init; }

    /// <summary>The peer does not offer it, or not in a way that can be compared.</summary>
    public bool IsOursOnly { get; init; }

    /// <summary>One value for each of <see cref="Metrics"/>; NaN where there is none. Another run brings other prompts, the same for both sides.</summary>
    public abstract Task<double[]> MeasureAsync(IServer server, int run);

    /// <summary>Loads the model and compiles what is compiled late.</summary>
    public virtual Task WarmAsync(IServer server) => MeasureAsync(server, run: -1);
}
