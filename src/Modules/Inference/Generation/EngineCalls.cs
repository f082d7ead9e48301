using System.Runtime.CompilerServices;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.Inference.Names;
using LlmPlatform.Inference.Presets;
using LlmPlatform.Inference.Quotas;
using LlmPlatform.Inference.Workers;
using Microsoft.Extensions.Options;

namespace LlmPlatform.Inference.Generation;

/// <summary>What an engine is asked.</summary>
/// <param name="Name">The model, preset or alias that is asked.</param>
/// <param name="User">Who asks.</param>
/// <param name="Compose">Says what is asked, once it is known whether a preset shapes it.</param>
internal sealed record EngineAsk(string Name, ModelUser User, Func<Preset?, Submit> Compose)
{
    /// <summary>False where another reply to the same prompt pays for the prompt.</summary>
    public bool CountsPrompt { get; init; } = true;

    /// <summary>Is told what the tightest quota allows, before the first of the news.</summary>
    public Action<QuotaBalance>? Reserved { get; init; }
}

/// <summary>Finds the worker of a model, asks it, and reads what it says.</summary>
internal sealed class EngineCalls(IModelTargets models, WorkerPool workers, Metering metering, IOptions<EngineOptions> options)
{
    private const string Missing = "model_not_found"; // OpenAI's own code, which clients look for

    // The request is at fault, and not the engine.
    private static readonly string[] RequestCodes = ["param.", "constraint.", "template."];

    private readonly Deadlines? deadlines = DeadlinesOf(options.Value);

    public static GenerationException NotFound(string model) =>
        new(404, Missing, $"The model '{model}' does not exist or is not installed.", "model");

    /// <summary>The last of the news is that it is finished or has failed. Cancelling stops the engine within a step.</summary>
    public async IAsyncEnumerable<Event> AskAsync(EngineAsk ask, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var (name, user) = (ask.Name, ask.User);
        var target = await models.FindAsync(name, user, cancellation) ?? throw NotFound(name);
        if (target.Quarantine is { } quarantine)
        {
            throw new GenerationException(503, quarantine.Code, quarantine.Message, "model");
        }

        var submit = ask.Compose(target.Preset);
        submit.Tenant = user.Id.ToString("n");
        submit.Deadlines = deadlines;
        if (target.Preset?.ContextTokens is { } most)
        {
            submit.ContextTokens = (uint)most;
        }

        // To count tokens is free.
        var isMetered = !submit.TokenizeOnly && submit.Detokenize is null;
        IReadOnlyList<QuotaLine> lines = isMetered ? await metering.LinesAsync(target.Model.Name, user, cancellation) : [];
        await metering.RefuseIfSpentAsync(lines, cancellation);
        using var lease = await LeaseAsync(name, target, cancellation);
        lease.KeepAlive = target.Preset?.KeepAlive;
        using var meter = isMetered ? await MeasureAsync(ask, target, lines, submit, lease.Worker, cancellation) : null;
        using var call = lease.Worker.Submit(submit);
        await foreach (var item in call.News.ReadAllAsync(cancellation))
        {
            meter?.Count(item);
            yield return item;
        }
    }

    private async Task<Meter> MeasureAsync(
        EngineAsk ask, ModelTarget target, IReadOnlyList<QuotaLine> lines, Submit submit, Worker worker, CancellationToken cancellation)
    {
        var model = await worker.Ready;
        var context = submit.HasContextTokens ? Math.Min((int)submit.ContextTokens, model.ContextTokens) : model.ContextTokens;
        var request = new MeteredRequest((maxTokens, cancellation) => CountPromptAsync(worker, submit, maxTokens, cancellation), MaxTokensOf(submit), context, ask.CountsPrompt);
        var (meter, maxTokens) = await metering.BeginAsync(target.Model.Name, ask.User, lines, request, cancellation);
        if (maxTokens is { } granted && submit.Embed is null)
        {
            submit.MaxTokens = (uint)granted;
        }

        if (meter.Tightest is { } balance)
        {
            ask.Reserved?.Invoke(balance);
        }

        return meter;
    }

    /// <summary>The tokens of the prompt, by the worker that will compute it: nobody else knows the model's vocabulary and template.</summary>
    private static async Task<int> CountPromptAsync(Worker worker, Submit submit, int? maxTokens, CancellationToken cancellation)
    {
        var question = submit.Clone();
        question.TokenizeOnly = true;
        if (maxTokens > 0)
        {
            question.MaxTokens = (uint)maxTokens;
        }

        using var call = worker.Submit(question);
        await foreach (var item in call.News.ReadAllAsync(cancellation))
        {
            if (item.Failed is { } failed)
            {
                throw Failure(failed);
            }

            if (item.Tokens is { } tokens)
            {
                return tokens.Ids.Count;
            }
        }

        throw new GenerationException(502, "engine.incomplete", "The engine ended without an answer; the request can be sent again.");
    }

    /// <summary>Null where the request leaves it to the context; an embedding completes nothing.</summary>
    private static int? MaxTokensOf(Submit submit) =>
        submit.Embed is not null ? 0 : submit.HasMaxTokens ? (int)Math.Min(submit.MaxTokens, int.MaxValue) : null;

    private async Task<WorkerLease> LeaseAsync(string name, ModelTarget target, CancellationToken cancellation)
    {
        try
        {
            return await workers.LeaseAsync(target.Model, cancellation);
        }
        catch (GenerationException refused) when (name != target.Model.Name)
        {
            // Whoever asks for a preset or alias may not be meant to know the model behind it.
            var message = refused.Message.Replace($"'{target.Model.Name}'", $"'{name}'", StringComparison.Ordinal);
            throw new GenerationException(refused.Status, refused.Code, message, refused.Param) { RetryAfter = refused.RetryAfter };
        }
    }

    public static GenerationException Failure(Failed failed) =>
        new(StatusOf(failed.Code), failed.Code, failed.Message, failed.Param is { Length: > 0 } param ? param : null)
        {
            RetryAfter = failed.RetryAfter > 0 ? TimeSpan.FromMilliseconds(failed.RetryAfter) : null,
        };

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

    private static int StatusOf(string code) => code switch
    {
        "context_length_exceeded" => 400,
        "queue.full" => 429,
        _ when RequestCodes.Any(family => code.StartsWith(family, StringComparison.Ordinal)) => 400,
        _ when code.StartsWith("deadline.", StringComparison.Ordinal) => 504,
        _ => 502,
    };
}
