using System.Runtime.CompilerServices;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.Inference.Workers;
using Microsoft.Extensions.Options;

namespace LlmPlatform.Inference.Generation;

/// <summary>Finds the worker of a model, asks it, and reads what it says.</summary>
internal sealed class EngineCalls(IModelCatalog models, WorkerPool workers, IOptions<EngineOptions> options)
{
    private const string Missing = "model_not_found"; // OpenAI's own code, which clients look for

    // The request is at fault, and not the engine.
    private static readonly string[] RequestCodes = ["param.", "constraint.", "template."];

    private readonly Deadlines? deadlines = DeadlinesOf(options.Value);

    public static GenerationException NotFound(string model) =>
        new(404, Missing, $"The model '{model}' does not exist or is not installed.", "model");

    /// <summary>The last of the news is that it is finished or has failed. Cancelling stops the engine within a step.</summary>
    public async IAsyncEnumerable<Event> AskAsync(string name, Submit submit, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var model = await models.FindAsync(name, cancellation) ?? throw NotFound(name);
        using var lease = await workers.LeaseAsync(model, cancellation);
        submit.Deadlines = deadlines;
        using var call = lease.Worker.Submit(submit);
        await foreach (var item in call.News.ReadAllAsync(cancellation))
        {
            yield return item;
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
