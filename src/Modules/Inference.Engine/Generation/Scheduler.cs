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
    // While others generate, a prompt takes small bites: each bite delays their next token.
    private const int PromptTokensBesideOthers = 128;
    // Cells kept free per running sequence at admission, or a newcomer would be thrown out again at once.
    private const int HeadroomTokens = 64;
    private const int ExitBroken = 4;

    private readonly BlockingCollection<Sequence> submitted = [];
    private readonly LinkedList<Sequence> waiting = [];
    // In the order of admission: the last one gives way when the KV cache is full.
    private readonly List<Sequence> running = [];
    private readonly List<Sequence> ended = [];
    private readonly Stack<int> freeSlots = new(Enumerable.Range(0, model.Slots).Reverse());
    private readonly TokenBatch batch = new(model.FirstContext.BatchTokens);
    private readonly Lock stepGate = new();
    private LlamaContext context = model.FirstContext;
    private List<Share> step = [];
    private int breakdowns;

    internal void Submit(Sequence sequence) => submitted.Add(sequence);

    /// <summary>
    /// A cancelled sequence leaves before the next step. Call this from any thread to end the step of this moment too, if it has no reader
    /// left.
    /// </summary>
    internal void AbortUselessStep()
    {
        lock (stepGate)
        {
            if (step.Count > 0 && step.All(share => share.Sequence.IsCancelled))
            {
                context.SetAbort(true);
            }
        }
    }

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
                Guarded(Compose());
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
        || running.Sum(sequence => sequence.Tokens.Count + HeadroomTokens) + next.Tokens.Count + HeadroomTokens <= context.TotalTokens;

    private List<Share> Compose()
    {
        var shares = new List<Share>(running.Count);
        var room = batch.Capacity;
        foreach (var sequence in running.Where(sequence => sequence.Remaining == 1).Take(room))
        {
            shares.Add(new Share(sequence, 1));
        }

        room -= shares.Count;
        room = shares.Count > 0 ? Math.Min(room, PromptTokensBesideOthers) : room;
        foreach (var sequence in running.Where(sequence => sequence.Remaining > 1))
        {
            var count = Math.Min(room, sequence.Remaining);
            if (count > 0)
            {
                shares.Add(new Share(sequence, count));
                room -= count;
            }
        }

        return shares;
    }

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
        Fill(shares);
        switch (Decode(shares))
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
                    StepBack(share.Sequence);
                }

                break;
            case DecodeResult.Invalid when shares.Count > 1:
                // One of them is at fault, and alone it shows.
                foreach (var share in shares)
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

    private void Fill(List<Share> shares)
    {
        batch.Clear();
        foreach (var share in shares)
        {
            var sequence = share.Sequence;
            // A gap is refused, but llama.cpp accepts a wrong first position and answers nonsense.
            if (context.LastPosition(sequence.Slot) != sequence.Computed - 1)
            {
                throw new InvalidOperationException($"Sequence {sequence.Id} and the KV cache disagree about what is computed.");
            }

            for (var index = 0; index < share.Count; index++)
            {
                var position = sequence.Computed + index;
                share.Output = batch.Add(sequence.Tokens[position], position, sequence.Slot, position == sequence.Tokens.Count - 1);
            }
        }
    }

    private DecodeResult Decode(List<Share> shares)
    {
        lock (stepGate)
        {
            step = shares;
            context.SetAbort(false);
        }

        // Who was cancelled between composing and now has not seen this step.
        AbortUselessStep();
        try
        {
            return context.Decode(batch);
        }
        finally
        {
            lock (stepGate)
            {
                step = [];
            }
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
            sequence.Advance(context.Logits(share.Output));
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
        Detach(last);
        waiting.AddFirst(last);
    }

    private void StepBack(Sequence sequence)
    {
        if (!context.TryTruncate(sequence.Slot, sequence.Computed))
        {
            context.Forget(sequence.Slot);
            sequence.Computed = 0;
        }
    }

    private void StartOver(List<Share> shares)
    {
        foreach (var sequence in shares.Select(share => share.Sequence).Where(sequence => !sequence.IsOver))
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

        lock (stepGate)
        {
            context.Dispose();
            context = model.CreateContext();
        }

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
    }

    private void Detach(Sequence sequence)
    {
        context.Forget(sequence.Slot);
        sequence.Computed = 0;
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

    /// <summary>What a sequence contributes to a step.</summary>
    private sealed class Share(Sequence sequence, int count)
    {
        internal Sequence Sequence => sequence;

        internal int Count => count;

        internal int Output { get; set; }
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
