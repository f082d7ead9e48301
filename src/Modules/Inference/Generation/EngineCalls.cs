using System.Runtime.CompilerServices;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.Inference.Names;
using LlmPlatform.Inference.Presets;
using LlmPlatform.Inference.Workers;
using Microsoft.Extensions.Options;

namespace LlmPlatform.Inference.Generation;

/// <summary>Finds the worker of a model, asks it, and reads what it says.</summary>
internal sealed class EngineCalls(IModelTargets models, WorkerPool workers, IOptions<EngineOptions> options)
{
    private const string Missing = "model_not_found"; // OpenAI's own code, which clients look for

    // The request is at fault, and not the engine.
    private static readonly string[] RequestCodes = ["param.", "constraint.", "template."];

    private readonly Deadlines? deadlines = DeadlinesOf(options.Value);

    public static GenerationException NotFound(string model) =>
        new(404, Missing, $"The model '{model}' does not exist or is not installed.", "model");

    /// <summary>The last of the news is that it is finished or has failed. Cancelling stops the engine within a step.</summary>
    /// <param name="name">The model, preset or alias that is asked.</param>
    /// <param name="user">Who asks.</param>
    /// <param name="compose">Says what is asked, once it is known whether a preset shapes it.</param>
    /// <param name="cancellation">Stops it.</param>
    public async IAsyncEnumerable<Event> AskAsync(
        string name, ModelUser user, Func<Preset?, Submit> compose, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var target = await models.FindAsync(name, user, cancellation) ?? throw NotFound(name);
        if (target.Quarantine is { } quarantine)
        {
            throw new GenerationException(503, quarantine.Code, quarantine.Message, "model");
        }

        var submit = compose(target.Preset);
        submit.Tenant = user.Id.ToString("n");
        submit.Deadlines = deadlines;
        if (target.Preset?.ContextTokens is { } most)
        {
            submit.ContextTokens = (uint)most;
        }

        using var lease = await LeaseAsync(name, target, cancellation);
        lease.KeepAlive = target.Preset?.KeepAlive;
        using var call = lease.Worker.Submit(submit);
        await foreach (var item in call.News.ReadAllAsync(cancellation))
        {
            yield return item;
        }
    }

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
