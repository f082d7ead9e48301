using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Generation;

/// <summary>
/// Counts and times of generations, under the names of OpenTelemetry's semantic conventions for generative AI where they have one; the rest
/// is what vLLM's dashboards show, under our own prefix.
/// </summary>
internal sealed class GenerationMetrics : IDisposable
{
    public const string Source = "LlmPlatform.Inference";

    private const string Ours = "llmplatform.inference";

    // From a step of the smallest model to a document's prompt on two cores.
    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
    };

    private readonly Meter meter = new(Source);
    private readonly ConcurrentDictionary<string, Load> loads = new();
    private readonly Counter<long> tokens;
    private readonly Counter<long> failures;
    private readonly Counter<long> workers;
    private readonly Histogram<double> timeToFirstToken;
    private readonly Histogram<double> timePerToken;
    private readonly Histogram<double> duration;
    private readonly Histogram<double> queue;
    private readonly Histogram<double> prefill;
    private readonly Histogram<double> decode;
    private readonly Histogram<double> cancelling;

    public GenerationMetrics()
    {
        tokens = meter.CreateCounter<long>("gen_ai.client.token.usage", "{token}");
        failures = meter.CreateCounter<long>($"{Ours}.failures", "{request}");
        workers = meter.CreateCounter<long>($"{Ours}.workers_started", "{worker}");
        timeToFirstToken = Histogram("gen_ai.server.time_to_first_token");
        timePerToken = Histogram("gen_ai.server.time_per_output_token");
        duration = Histogram("gen_ai.server.request.duration");
        queue = Histogram($"{Ours}.queue_time");
        prefill = Histogram($"{Ours}.prefill_time");
        decode = Histogram($"{Ours}.decode_time");
        cancelling = Histogram($"{Ours}.cancel_latency");
        Gauge("requests_running", "{request}", load => load.Running);
        Gauge("requests_waiting", "{request}", load => load.Waiting);
        Gauge("kv_cache_usage", "1", load => load.TotalCells == 0 ? 0 : (double)load.Cells / load.TotalCells);
        Count("steps", "{step}", load => load.Steps);
        Count("step_time", "s", load => load.StepMicroseconds / 1e6);
        Count("prefill_tokens", "{token}", load => load.PrefillTokens);
        Count("decode_tokens", "{token}", load => load.DecodeTokens);
        Count("prefix_cache_hits", "{token}", load => load.ReusedTokens);
        Count("preemptions", "{request}", load => load.Preemptions);
        Count("kv_cache_moves", "{request}", load => load.Moves);
        Count("graph_reuses", "{step}", load => load.GraphReuses);
    }

    public void WorkerStarted(string model) => workers.Add(1, Model(model));

    /// <summary>The worker's counters began at zero with it, as those of a process do.</summary>
    public void Loaded(string model, Load load) => loads[model] = load;

    public void WorkerEnded(string model) => loads.TryRemove(model, out _);

    public void FirstToken(string model, TimeSpan after) => timeToFirstToken.Record(after.TotalSeconds, Model(model));

    public void NextTokens(string model, int count, TimeSpan after)
    {
        if (count > 0)
        {
            timePerToken.Record(after.TotalSeconds / count, Model(model));
        }
    }

    public void Completed(string model, TokenUsage usage, GenerationTimings timings, TimeSpan after)
    {
        tokens.Add(usage.PromptTokens, Model(model), new("gen_ai.token.type", "input"));
        tokens.Add(usage.CompletionTokens, Model(model), new("gen_ai.token.type", "output"));
        duration.Record(after.TotalSeconds, Model(model));
        queue.Record(timings.Queue.TotalSeconds, Model(model));
        prefill.Record(timings.Prefill.TotalSeconds, Model(model));
        decode.Record(timings.Decode.TotalSeconds, Model(model));
    }

    public void Embedded(string model, int promptTokens) => tokens.Add(promptTokens, Model(model), new("gen_ai.token.type", "input"));

    public void Failed(string model, string code) => failures.Add(1, new TagList { Model(model), new("error.type", code) });

    /// <summary>From the reader's leaving to the worker's word that the request's place is free.</summary>
    public void Cancelled(string model, TimeSpan after) => cancelling.Record(after.TotalSeconds, Model(model));

    public void Dispose() => meter.Dispose();

    private static KeyValuePair<string, object?> Model(string name) => new("gen_ai.request.model", name);

    private Histogram<double> Histogram(string name) => meter.CreateHistogram(name, "s", advice: Seconds);

    private void Gauge(string name, string unit, Func<Load, double> value) => meter.CreateObservableGauge($"{Ours}.{name}", () => Observe(value), unit);

    private void Count(string name, string unit, Func<Load, double> value) => meter.CreateObservableCounter($"{Ours}.{name}", () => Observe(value), unit);

    private IEnumerable<Measurement<double>> Observe(Func<Load, double> value) => loads.Select(load => new Measurement<double>(value(load.Value), Model(load.Key)));
}
