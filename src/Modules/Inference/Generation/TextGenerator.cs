using System.Diagnostics;
using System.Runtime.CompilerServices;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.Inference.Workers;
using Microsoft.Extensions.Options;
using FinishReason = LlmPlatform.Inference.Contracts.FinishReason;

namespace LlmPlatform.Inference.Generation;

/// <summary>Finds the model, takes a worker that serves it, and turns what the worker says into what callers read.</summary>
internal sealed class TextGenerator(
    IModelCatalog models, WorkerPool workers, IOptions<EngineOptions> options, GenerationMetrics metrics, TimeProvider time) : ITextGenerator
{
    private static readonly ActivitySource Activities = new(GenerationMetrics.Source);

    private const string Missing = "model_not_found"; // OpenAI's own code, which clients look for

    private readonly Deadlines? deadlines = DeadlinesOf(options.Value);

    public static GenerationException NotFound(string model) =>
        new(404, Missing, $"The model '{model}' does not exist or is not installed.", "model");

    public IAsyncEnumerable<GenerationEvent> GenerateAsync(GenerationRequest request, CancellationToken cancellation)
    {
        var submit = Submit(request.UserId, request.Sampling, request.MaxTokens, request.Stop);
        submit.Conversation = new Conversation();
        submit.Conversation.Messages.AddRange(request.Messages.Select(m => new Message { Role = m.Role, Content = m.Content }));
        return RunAsync(request.Model, submit, cancellation);
    }

    /// <summary>Continues a text as it is, for <c>/v1/completions</c> alone: everybody else speaks in messages.</summary>
    public IAsyncEnumerable<GenerationEvent> ContinueAsync(
        string model, Guid userId, string text, SamplingOptions sampling, int? maxTokens, IReadOnlyList<string> stop, CancellationToken cancellation)
    {
        var submit = Submit(userId, sampling, maxTokens, stop);
        submit.Text = text;
        return RunAsync(model, submit, cancellation);
    }

    private async IAsyncEnumerable<GenerationEvent> RunAsync(string name, Submit submit, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var activity = Activities.StartActivity($"generate {name}", ActivityKind.Server);
        activity?.SetTag("gen_ai.operation.name", submit.Conversation is not null ? "chat" : "text_completion");
        activity?.SetTag("gen_ai.request.model", name);
        var started = time.GetTimestamp();
        var model = await models.FindAsync(name, cancellation) ?? throw NotFound(name);
        using var lease = await workers.LeaseAsync(model, cancellation);
        using var call = lease.Worker.Submit(submit);
        var (last, lastTokens) = (0L, 0);
        await foreach (var item in call.News.ReadAllAsync(cancellation))
        {
            switch (item.NewsCase)
            {
                case Event.NewsOneofCase.Admitted:
                    yield return new PromptAccepted((int)item.Admitted.PromptTokens);
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
                    var logprobs = submit.Sampling.HasTopLogprobs ? SamplingWire.ToContract(item.Delta.Logprobs) : null;
                    yield return new TextDelta(item.Delta.Text, (int)item.Delta.Tokens) { Logprobs = logprobs };
                    break;
                case Event.NewsOneofCase.Finished:
                    var completed = new GenerationCompleted(Reason(item.Finished.Reason), Usage(item.Finished.Usage), Timings(item.Finished.Timings));
                    metrics.Completed(name, completed.Usage, completed.Timings, time.GetElapsedTime(started));
                    activity?.SetTag("gen_ai.usage.input_tokens", completed.Usage.PromptTokens);
                    activity?.SetTag("gen_ai.usage.output_tokens", completed.Usage.CompletionTokens);
                    activity?.SetTag("gen_ai.response.finish_reasons", item.Finished.Reason.ToString());
                    yield return completed;
                    break;
                case Event.NewsOneofCase.Failed:
                    metrics.Failed(name, item.Failed.Code);
                    activity?.SetTag("error.type", item.Failed.Code);
                    throw Exception(item.Failed);
            }
        }
    }

    private Submit Submit(Guid userId, SamplingOptions sampling, int? maxTokens, IReadOnlyList<string> stop)
    {
        SamplingWire.Check(maxTokens is null or >= 1, "max_tokens", "max_tokens is a whole number from 1 on.");
        SamplingWire.Check(sampling.MinTokens <= (maxTokens ?? int.MaxValue), "min_tokens", "min_tokens is at most max_tokens.");
        var submit = new Submit { Tenant = userId.ToString("n"), Sampling = sampling.ToWire() };
        if (maxTokens is { } limit)
        {
            submit.MaxTokens = (uint)limit;
        }

        submit.Stop.AddRange(stop);
        submit.Deadlines = deadlines;
        return submit;
    }

    /// <summary>Null where an operator has set none.</summary>
    private static Deadlines? DeadlinesOf(EngineOptions options)
    {
        if (options is { QueueTimeout: null, FirstTokenTimeout: null, RequestTimeout: null })
        {
            return null;
        }

        var deadlines = new Deadlines();
        if (options.QueueTimeout is { } queue)
        {
            deadlines.Queue = (uint)queue.TotalMilliseconds;
        }

        if (options.FirstTokenTimeout is { } firstToken)
        {
            deadlines.FirstToken = (uint)firstToken.TotalMilliseconds;
        }

        if (options.RequestTimeout is { } total)
        {
            deadlines.Total = (uint)total.TotalMilliseconds;
        }

        return deadlines;
    }

    private static FinishReason Reason(Engine.Protocol.FinishReason reason) => reason switch
    {
        Engine.Protocol.FinishReason.Length => FinishReason.Length,
        Engine.Protocol.FinishReason.Cancelled => FinishReason.Cancelled,
        _ => FinishReason.Stop,
    };

    private static TokenUsage Usage(Usage usage) => new((int)usage.PromptTokens, (int)usage.CompletionTokens, (int)usage.CachedTokens);

    private static GenerationTimings Timings(Timings timings) => new(
        Microseconds(timings.Queue), Microseconds(timings.Prefill), Microseconds(timings.Decode), (int)timings.Drafted, (int)timings.Accepted);

    private static TimeSpan Microseconds(ulong count) => TimeSpan.FromTicks((long)count * TimeSpan.TicksPerMicrosecond);

    private static GenerationException Exception(Failed failed) =>
        new(StatusOf(failed.Code), failed.Code, failed.Message, failed.Param is { Length: > 0 } param ? param : null)
        {
            RetryAfter = failed.RetryAfter > 0 ? TimeSpan.FromMilliseconds(failed.RetryAfter) : null,
        };

    private static int StatusOf(string code) => code switch
    {
        "context_length_exceeded" => 400,
        "queue.full" => 429,
        _ when code.StartsWith("param.", StringComparison.Ordinal) => 400,
        _ when code.StartsWith("deadline.", StringComparison.Ordinal) => 504,
        _ => 502,
    };
}
