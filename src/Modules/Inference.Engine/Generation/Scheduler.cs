using System.Collections.Concurrent;
using LlmPlatform.Inference.Engine.Llama;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// The loop. A sequence is two numbers, the tokens it has and the tokens already computed, and every step computes some of the difference
/// for all running sequences at once: first one token for each that generates, so that no stream stands still, then as much of the waiting
/// prompts as fits. A sequence whose difference is used up gets its next token from the scores. Everything runs on one thread, which alone
/// touches the context.
/// </summary>
internal sealed partial class Scheduler(LoadedModel model, ILogger<Scheduler> logger)
{
    // Cells kept free per running sequence at admission, or a newcomer would be thrown out again at once.
    private const int HeadroomTokens = 64;
    private const int ExitBroken = 4;

    private readonly BlockingCollection<Sequence> submitted = [];
    private readonly LinkedList<Sequence> waiting = [];
    // In the order of admission: the last one gives way when the KV cache is full.
    private readonly List<Sequence> running = [];
    private readonly List<Sequence> ended = [];
    private readonly Stack<int> freeSlots = new(Enumerable.Range(0, model.Slots).Reverse());
    private readonly StepRunner runner = new(model);
    private int breakdowns;
    // After the KV cache was full nobody is admitted until a sequence has left: a newcomer would only be thrown out again.
    private bool isFull;

    internal void Submit(Sequence sequence) => submitted.Add(sequence);

    /// <summary>Call this from any thread after cancelling.</summary>
    internal void AbortUselessStep() => runner.AbortUselessStep();

    internal void Run()
    {
        while (true)
        {
            var isIdle = running.Count == 0 && waiting.Count == 0;
            while (submitted.TryTake(out var sequence, isIdle ? Timeout.Infinite : 0))
            {
                waiting.AddLast(sequence);
                isIdle = false;
            }

            DropCancelled();
            Admit();
            if (running.Count > 0)
            {
                Guarded(StepPlan.Compose(running, runner.BatchTokens));
            }

            Flush();
        }
    }

    private void DropCancelled()
    {
        foreach (var sequence in waiting.Where(sequence => sequence.IsCancelled).ToList())
        {
            waiting.Remove(sequence);
            sequence.Finish(FinishReason.Cancelled);
            ended.Add(sequence);
        }

        for (var index = running.Count - 1; index >= 0; index--)
        {
            if (running[index].IsCancelled)
            {
                running[index].Finish(FinishReason.Cancelled);
                Release(running[index]);
            }
        }
    }

    private void Admit()
    {
        while (waiting.First?.Value is { } next && freeSlots.Count > 0 && HasRoomFor(next))
        {
            waiting.RemoveFirst();
            next.Slot = freeSlots.Pop();
            running.Add(next);
        }
    }

    private bool HasRoomFor(Sequence next) =>
        running.Count == 0
        || (!isFull && running.Sum(sequence => sequence.Tokens.Count + HeadroomTokens) + next.Tokens.Count + HeadroomTokens <= runner.TotalTokens);

    /// <summary>One thing that nobody foresaw costs its requests. The second costs the worker, which starts clean.</summary>
    private void Guarded(List<Share> shares)
    {
        try
        {
            Compute(shares);
        }
        catch (Exception problem)
        {
            LogStepFailed(logger, problem, shares.Count);
            StartOver(shares);
        }
    }

    private void Compute(List<Share> shares)
    {
        switch (runner.Run(shares))
        {
            case DecodeResult.Done:
                foreach (var share in shares)
                {
                    Advance(share);
                }

                break;
            case DecodeResult.NoRoom:
                GiveWay();
                break;
            case DecodeResult.Aborted:
                foreach (var share in shares)
                {
                    runner.StepBack(share.Sequence);
                }

                break;
            case DecodeResult.Invalid when shares.Count > 1:
                // One of them is at fault, and alone it shows. Meanwhile another may have to give way and is computed later.
                foreach (var share in shares.Where(share => running.Contains(share.Sequence)))
                {
                    Compute([share]);
                }

                break;
            case DecodeResult.Invalid:
                LogInvalidBatch(logger, shares[0].Sequence.Id, shares[0].Sequence.Computed, shares[0].Count);
                End(shares[0].Sequence, "engine.decode_failed", "llama.cpp refused this request's tokens.");
                break;
            default:
                LogBroken(logger, shares.Count);
                StartOver(shares);
                break;
        }
    }

    private void Advance(Share share)
    {
        var sequence = share.Sequence;
        sequence.Computed += share.Count;
        if (sequence.Remaining > 0)
        {
            return;
        }

        try
        {
            sequence.Advance(runner.Scores(share));
        }
        catch (RequestRefusedException refusal)
        {
            sequence.Fail(refusal.Code, refusal.Message, refusal.Param);
        }
        catch (Exception problem)
        {
            LogRequestFailed(logger, problem, sequence.Id);
            sequence.Fail("engine.internal", "The engine failed while it sampled this request.");
        }

        if (sequence.IsOver)
        {
            Release(sequence);
        }
    }

    /// <summary>The newest sequence frees its cells. It keeps its tokens and computes them again when there is room.</summary>
    private void GiveWay()
    {
        var last = running[^1];
        if (running.Count == 1)
        {
            End(last, "engine.decode_failed", "The KV cache is full although only this request runs.");
            return;
        }

        LogGivesWay(logger, last.Id);
        isFull = true;
        Detach(last);
        waiting.AddFirst(last);
    }

    private void StartOver(List<Share> shares)
    {
        foreach (var sequence in shares.Select(share => share.Sequence).Where(running.Contains).ToList())
        {
            sequence.Fail("engine.decode_failed", "The engine failed while it computed this request.");
            running.Remove(sequence);
            freeSlots.Push(sequence.Slot);
            ended.Add(sequence);
        }

        if (++breakdowns > 1)
        {
            LogGivesUp(logger);
            ProcessLimits.ExitNow(ExitBroken);
        }

        runner.StartOver();
        isFull = false;
        foreach (var sequence in running)
        {
            sequence.Computed = 0;
        }
    }

    private void End(Sequence sequence, string code, string message)
    {
        sequence.Fail(code, message);
        Release(sequence);
    }

    private void Release(Sequence sequence)
    {
        Detach(sequence);
        ended.Add(sequence);
        isFull = false;
    }

    private void Detach(Sequence sequence)
    {
        runner.Forget(sequence);
        running.Remove(sequence);
        freeSlots.Push(sequence.Slot);
    }

    private void Flush()
    {
        foreach (var sequence in running.Concat(ended))
        {
            sequence.Flush();
        }

        ended.Clear();
    }

    [LoggerMessage(LogLevel.Error, "A step of {Sequences} sequences failed")]
    private static partial void LogStepFailed(ILogger logger, Exception problem, int sequences);

    [LoggerMessage(LogLevel.Error, "llama.cpp lost its state in a step of {Sequences} sequences; the context is built anew")]
    private static partial void LogBroken(ILogger logger, int sequences);

    [LoggerMessage(LogLevel.Error, "llama.cpp refused a batch: sequence {Id}, {Computed} tokens computed, {Count} in the batch")]
    private static partial void LogInvalidBatch(ILogger logger, ulong id, int computed, int count);

    [LoggerMessage(LogLevel.Error, "Sampling for sequence {Id} failed")]
    private static partial void LogRequestFailed(ILogger logger, Exception problem, ulong id);

    [LoggerMessage(LogLevel.Information, "The KV cache is full: sequence {Id} gives way")]
    private static partial void LogGivesWay(ILogger logger, ulong id);

    [LoggerMessage(LogLevel.Critical, "The engine broke a second time and ends")]
    private static partial void LogGivesUp(ILogger logger);
}
