using System.Diagnostics;
using System.Diagnostics.Metrics;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Inference.Generation;

/// <summary>Counts and times of generations, under the names of OpenTelemetry's semantic conventions for generative AI where they have one.</summary>
internal sealed class GenerationMetrics : IDisposable
{
    private readonly Meter meter = new("LlmPlatform.Inference");
    private readonly Counter<long> tokens;
    private readonly Counter<long> failures;
    private readonly Counter<long> workers;
    private readonly Histogram<double> timeToFirstToken;
    private readonly Histogram<double> duration;

    public GenerationMetrics()
    {
        tokens = meter.CreateCounter<long>("gen_ai.client.token.usage", "{token}");
        failures = meter.CreateCounter<long>("llmplatform.inference.failures", "{request}");
        workers = meter.CreateCounter<long>("llmplatform.inference.workers_started", "{worker}");
        timeToFirstToken = meter.CreateHistogram<double>("gen_ai.server.time_to_first_token", "s");
        duration = meter.CreateHistogram<double>("gen_ai.server.request.duration", "s");
    }

    public void WorkerStarted(string model) => workers.Add(1, Model(model));

    public void FirstToken(string model, TimeSpan after) => timeToFirstToken.Record(after.TotalSeconds, Model(model));

    public void Completed(string model, TokenUsage usage, TimeSpan after)
    {
        tokens.Add(usage.PromptTokens, Model(model), new("gen_ai.token.type", "input"));
        tokens.Add(usage.CompletionTokens, Model(model), new("gen_ai.token.type", "output"));
        duration.Record(after.TotalSeconds, Model(model));
    }

    public void Failed(string model, string code) => failures.Add(1, new TagList { Model(model), new("error.type", code) });

    public void Dispose() => meter.Dispose();

    private static KeyValuePair<string, object?> Model(string name) => new("gen_ai.request.model", name);
}
