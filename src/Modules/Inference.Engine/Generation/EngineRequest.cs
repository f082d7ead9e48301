using System.Diagnostics;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>What somebody asked the worker for, on its way. Only one thread at a time touches it, except for <see cref="Cancel"/>.</summary>
internal abstract class EngineRequest(Submit request, Outbox outbox)
{
    private volatile bool isCancelled;
    private bool hasSpoken;

    internal ulong Id => request.Id;

    internal Submit Request => request;

    internal bool IsCancelled => isCancelled;

    internal bool IsOver { get; private set; }

    /// <summary>Only its owner's requests share what is computed for it.</summary>
    internal string Tenant => request.Tenant;

    /// <summary>Prompt and completion together at most.</summary>
    protected int ContextOf(LoadedModel model) =>
        request.HasContextTokens ? (int)Math.Min(request.ContextTokens, (uint)model.Layout.ContextTokens) : model.Layout.ContextTokens;

    /// <summary>When it came, in ticks of the stopwatch.</summary>
    protected long Arrived { get; } = Stopwatch.GetTimestamp();

    /// <summary>It has a place; waiting is over.</summary>
    protected abstract bool IsAdmitted { get; }

    /// <summary>It has a first token, or whatever it is asked for.</summary>
    protected abstract bool HasSaidSomething { get; }

    /// <summary>Ends it where nobody waits for it any more or it has taken too long. True where it is over.</summary>
    internal bool EndIfUnwanted()
    {
        if (!IsOver && IsCancelled)
        {
            Finish(FinishReason.Cancelled);
        }
        else if (!IsOver && Late() is { } deadline)
        {
            Fail($"deadline.{deadline}", "The request was not served within the time that it allows.");
        }

        return IsOver;
    }

    internal void Cancel() => isCancelled = true;

    /// <summary>Throws <see cref="RequestRefusedException"/> for what cannot be served.</summary>
    /// <param name="model">The model.</param>
    /// <param name="language">How it is spoken to; null where the request is no conversation.</param>
    internal abstract void Begin(LoadedModel model, ChatLanguage? language);

    internal abstract void Finish(FinishReason reason);

    internal void Fail(string code, string message, string param = "", TimeSpan retryAfter = default)
    {
        IsOver = true;
        var failed = new Failed { Code = code, Message = message, Param = param, RetryAfter = (uint)retryAfter.TotalMilliseconds };
        Say(new Event { Id = Id, Failed = failed });
    }

    /// <summary>Sends what has been said since the last time, a fast model's tokens a few together unless the next ones will take long.</summary>
    internal void Flush(bool isPause = false) => outbox.Flush(isPause);

    /// <summary>The first deadline that has passed, or null.</summary>
    private string? Late()
    {
        if (Request.Deadlines is not { } deadlines)
        {
            return null;
        }

        var waited = Stopwatch.GetElapsedTime(Arrived).TotalMilliseconds;
        return deadlines.HasTotal && waited >= deadlines.Total ? "total"
            : !HasSaidSomething && deadlines.HasFirstToken && waited >= deadlines.FirstToken ? "first_token"
            : !IsAdmitted && deadlines.HasQueue && waited >= deadlines.Queue ? "queue"
            : null;
    }

    protected void Finish(Finished finished)
    {
        IsOver = true;
        Say(new Event { Id = Id, Finished = finished });
    }

    protected void Say(Event news)
    {
        outbox.Add(news, isUrgent: news.Admitted is null && (news.Delta is null || !hasSpoken));
        hasSpoken |= news.Delta is not null;
    }
}
