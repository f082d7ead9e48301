using System.Diagnostics;
using System.Runtime.CompilerServices;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.Inference.Presets;
using LlmPlatform.Inference.Quotas;
using FinishReason = LlmPlatform.Inference.Contracts.FinishReason;

namespace LlmPlatform.Inference.Generation;

/// <summary>A text that is to be continued as it is.</summary>
/// <param name="Model">Name of a model, a preset or an alias.</param>
/// <param name="User">Who asks.</param>
/// <param name="Text">The text.</param>
internal sealed record TextContinuation(string Model, ModelUser User, string Text)
{
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>Completion tokens at most.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>The same where neither the request nor a preset sets a limit; null until the context is full.</summary>
    public int? UsualMaxTokens { get; init; }

    public IReadOnlyList<string> Stop { get; init; } = [];

    public OutputFormat? Format { get; init; }
}

/// <summary>Finds the model, takes a worker that serves it, and turns what the worker says into what callers read.</summary>
internal sealed class TextGenerator(
    EngineCalls engine, GenerationMetrics metrics, TimeProvider time) : ITextGenerator
{
    private static readonly ActivitySource Activities = new(GenerationMetrics.Source);

    public IAsyncEnumerable<GenerationEvent> GenerateAsync(GenerationRequest request, CancellationToken cancellation) => RunAsync(
        request.Model,
        request.User,
        request.Sampling.Choice,
        "chat",
        preset =>
        {
            var submit = Submit(request.Sampling.Or(preset?.Sampling), request.MaxTokens ?? preset?.MaxTokens, Or(request.Stop, preset));
            submit.Conversation = request.ToConversation(preset);
            submit.Form = request.Format.ToWire();
            return submit;
        },
        cancellation);

    /// <summary>Continues a text as it is, for <c>/v1/completions</c> alone: everybody else speaks in messages.</summary>
    public IAsyncEnumerable<GenerationEvent> ContinueAsync(TextContinuation request, CancellationToken cancellation) => RunAsync(
        request.Model,
        request.User,
        request.Sampling.Choice,
        "text_completion",
        preset =>
        {
            var submit = Submit(request.Sampling.Or(preset?.Sampling), request.MaxTokens ?? preset?.MaxTokens ?? request.UsualMaxTokens, Or(request.Stop, preset));
            submit.Text = request.Text;
            submit.Form = request.Format.ToWire();
            return submit;
        },
        cancellation);

    private async IAsyncEnumerable<GenerationEvent> RunAsync(
        string name, ModelUser user, int choice, string operation, Func<Preset?, Submit> compose, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var activity = Activities.StartActivity($"generate {name}", ActivityKind.Server);
        activity?.SetTag("gen_ai.operation.name", operation);
        activity?.SetTag("gen_ai.request.model", name);
        var started = time.GetTimestamp();
        var (last, lastTokens) = (0L, 0);
        var hasLogprobs = false;
        QuotaBalance? balance = null;
        var ask = new EngineAsk(name, user, Compose) { CountsPrompt = choice == 0, Reserved = tightest => balance = tightest };
        await foreach (var item in engine.AskAsync(ask, cancellation))
        {
            switch (item.NewsCase)
            {
                case Event.NewsOneofCase.Admitted:
                    yield return new PromptAccepted((int)item.Admitted.PromptTokens)
                    {
                        DroppedMessages = (int)item.Admitted.DroppedMessages,
                        Quota = balance is { TokensLeft: { } left } ? new TokenQuota(balance.Line.Tokens, left, balance.Line.EndsAt) : null,
                    };
                    break;
                case Event.NewsOneofCase.Delta:
                    var now = time.GetTimestamp();
                    if (lastTokens == 0)
                    {
                        metrics.FirstToken(name, time.GetElapsedTime(started, now));
                    }
                    else
                    {
                        metrics.NextTokens(name, (int)item.Delta.Tokens - lastTokens, time.GetElapsedTime(last, now));
                    }

                    (last, lastTokens) = (now, (int)item.Delta.Tokens);
                    yield return ToContract(item.Delta, hasLogprobs);
                    break;
                case Event.NewsOneofCase.Finished:
                    var completed = new GenerationCompleted(Reason(item.Finished.Reason), Usage(item.Finished.Usage), Timings(item.Finished.Timings))
                    {
                        Diagnostic = item.Finished.Diagnostic is { Length: > 0 } diagnostic ? diagnostic : null,
                    };
                    metrics.Completed(name, completed.Usage, completed.Timings, time.GetElapsedTime(started));
                    activity?.SetTag("gen_ai.usage.input_tokens", completed.Usage.PromptTokens);
                    activity?.SetTag("gen_ai.usage.output_tokens", completed.Usage.CompletionTokens);
                    activity?.SetTag("gen_ai.response.finish_reasons", item.Finished.Reason.ToString());
                    yield return completed;
                    break;
                case Event.NewsOneofCase.Failed:
                    metrics.Failed(name, item.Failed.Code);
                    activity?.SetTag("error.type", item.Failed.Code);
                    throw EngineCalls.Failure(item.Failed);
            }
        }

        Submit Compose(Preset? preset)
        {
            var submit = compose(preset);
            hasLogprobs = submit.Sampling.HasTopLogprobs;
            return submit;
        }
    }

    private static IReadOnlyList<string> Or(IReadOnlyList<string> stop, Preset? preset) => stop.Count > 0 ? stop : preset?.Stop ?? [];

    private static Submit Submit(SamplingOptions sampling, int? maxTokens, IReadOnlyList<string> stop)
    {
        SamplingWire.Check(maxTokens is null or >= 1, "max_tokens", "max_tokens is a whole number from 1 on.");
        SamplingWire.Check(sampling.MinTokens <= (maxTokens ?? int.MaxValue), "min_tokens", "min_tokens is at most max_tokens.");
        var submit = new Submit { Sampling = sampling.ToWire() };
        if (maxTokens is { } limit)
        {
            submit.MaxTokens = (uint)limit;
        }

        submit.Stop.AddRange(stop);
        return submit;
    }

    private static GenerationEvent ToContract(Delta delta, bool hasLogprobs)
    {
        var tokens = (int)delta.Tokens;
        return delta.PartCase switch
        {
            Delta.PartOneofCase.Reasoning => new ReasoningDelta(delta.Reasoning, tokens),
            Delta.PartOneofCase.Call => new ToolCallStarted((int)delta.Call.Index, delta.Call.Id, delta.Call.Name, tokens),
            Delta.PartOneofCase.Arguments => new ToolCallDelta((int)delta.Arguments.Index, delta.Arguments.Fragment, tokens),
            _ => new TextDelta(delta.Text, tokens) { Logprobs = hasLogprobs ? SamplingWire.ToContract(delta.Logprobs) : null },
        };
    }

    private static FinishReason Reason(Engine.Protocol.FinishReason reason) => reason switch
    {
        Engine.Protocol.FinishReason.Length => FinishReason.Length,
        Engine.Protocol.FinishReason.Cancelled => FinishReason.Cancelled,
        Engine.Protocol.FinishReason.ToolCalls => FinishReason.ToolCalls,
        _ => FinishReason.Stop,
    };

    private static TokenUsage Usage(Usage usage) => new((int)usage.PromptTokens, (int)usage.CompletionTokens, (int)usage.CachedTokens, (int)usage.ReasoningTokens);

    private static GenerationTimings Timings(Timings timings) => new(
        Microseconds(timings.Queue), Microseconds(timings.Prefill), Microseconds(timings.Decode), (int)timings.Drafted, (int)timings.Accepted);

    private static TimeSpan Microseconds(ulong count) => TimeSpan.FromTicks((long)count * TimeSpan.TicksPerMicrosecond);
}
