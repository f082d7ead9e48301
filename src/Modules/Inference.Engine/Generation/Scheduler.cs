using System.Collections.Concurrent;
using System.Diagnostics;
using LlmPlatform.Inference.Engine.Llama;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// The loop. A sequence is two numbers, the tokens it has and the tokens already computed, and every step computes some of the difference: a
/// token for each sequence that generates, or a piece of a prompt that still waits. A sequence whose difference is used up gets its next token
/// from the scores. Everything runs on one thread, which alone touches the context.
/// </summary>
internal sealed partial class Scheduler : IEngineLoop
{
    private const int ExitBroken = 4;

    // Sampling a large vocabulary takes long enough to be worth other threads.
    private const int ScoresWorthAThread = 100_000;

    private readonly LoadedModel model;
    private readonly ILogger logger;
    private readonly BlockingCollection<EngineRequest> submitted = [];
    private readonly FairQueue waiting = new();
    private readonly List<EngineRequest> ended = [];
    private readonly StepClock clock = new();
    private readonly GuessGate guesses = new();
    private readonly LoadMeter meter;
    private readonly KvSlots slots;
    private readonly Admission admission;
    private readonly Embedder embedder;
    private readonly StepRunner runner;
    private readonly StepPlan plan;
    private int cores = Environment.ProcessorCount;
    private int granted = Environment.ProcessorCount;
    private int breakdowns;

    internal Scheduler(LoadedModel model, LoadMeter meter, ILogger<Scheduler> logger)
    {
        (this.model, this.meter, this.logger) = (model, meter, logger);
        runner = new StepRunner(model);
        embedder = new Embedder(model, logger);
        plan = new StepPlan(clock, waiting, runner.BatchTokens);
        slots = new KvSlots(model.Layout, model.KvBytesPerToken, model.Model.CanStepBack, clock);
        admission = new Admission(model.Layout, slots, waiting, meter, logger);
    }

    public void Submit(EngineRequest request) => submitted.Add(request);

    public void LimitThreads(int most) => Volatile.Write(ref cores, most);

    public void AbortUselessStep() => runner.AbortUselessStep();

    public long Progress => runner.Progress + embedder.Progress;

    public void Run()
    {
        while (true)
        {
            var isIdle = admission.IsIdle && embedder.IsIdle;
            while (submitted.TryTake(out var request, isIdle ? Timeout.Infinite : 0))
            {
                isIdle = false;
                if (!(request is EmbeddingRequest texts ? embedder.TryAdd(texts) : admission.TryAdd((Sequence)request)))
                {
                    ended.Add(request);
                }
            }

            TakeThreads();
            ended.AddRange(admission.DropUnwanted());
            if (ended.Count > 0)
            {
                Flush();
            }

            admission.Admit(runner.Context);
            if (admission.Running.Count > 0)
            {
                var shares = plan.Compose(admission.Running, model.Model.CanStepBack && guesses.IsOpen);
                if (!shares[0].IsDecode)
                {
                    Flush(isPause: true); // a prompt takes long, and the tokens of others should not wait for it
                }

                Guarded(shares);
            }

            if (!embedder.IsIdle)
            {
                embedder.Step(besideStreams: admission.Running.Count > 0);
            }

            Flush();
        }
    }

    private void TakeThreads()
    {
        var wanted = Volatile.Read(ref cores);
        if (wanted != granted)
        {
            granted = wanted;
            model.LimitThreads(wanted);
            model.UseThreads(runner.Context);
        }
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
        var started = Stopwatch.GetTimestamp();
        switch (runner.Run(shares))
        {
            case DecodeResult.Done:
                Record(shares, Stopwatch.GetElapsedTime(started).TotalMicroseconds);
                Sample(shares);
                if (shares.Count > 1)
                {
                    meter.Moved(slots.Gather(runner.Context));
                }

                if (shares is [{ IsDecode: true } only])
                {
                    guesses.Record(only.Draft.Length > 0, only.Gained, Stopwatch.GetElapsedTime(started).TotalMicroseconds);
                }

                break;
            case DecodeResult.NoRoom when slots.Evict(runner.Context):
                break; // the same step again, with more room
            case DecodeResult.NoRoom when admission.TryGiveWayToOlder(runner.Context):
                break;
            case DecodeResult.NoRoom:
                End(shares[0].Sequence, "engine.decode_failed", "The KV cache is full although only this request runs.");
                break;
            case DecodeResult.Aborted:
                foreach (var share in shares)
                {
                    runner.StepBack(share.Sequence);
                }

                break;
            case DecodeResult.Invalid when shares.Count > 1:
                // One of them is at fault, and alone it shows. Meanwhile another may have to give way and is computed later.
                foreach (var share in shares.Where(share => admission.Running.Contains(share.Sequence)))
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

    private void Record(List<Share> shares, double microseconds)
    {
        var (decodes, prefills) = (0, 0);
        foreach (var share in shares)
        {
            decodes += share.IsDecode ? 1 : 0;
            prefills += share.IsDecode ? share.Draft.Length : share.Count;
            waiting.Charge(share.Sequence, share.IsDecode ? 0 : share.Count, share.IsDecode ? 1 : 0);
        }

        clock.Record(decodes, prefills, microseconds);
        Tune(decodes, prefills, microseconds);
        meter.Step(microseconds, prefills, decodes);
    }

    private void Tune(int decodes, int prefills, double microseconds)
    {
        if (prefills > 0)
        {
            return;
        }

        var tuner = decodes == 1 ? model.DecodeThreads : model.BatchThreads;
        tuner.Record(decodes, microseconds);
        if (tuner.Threads != runner.Context.Threads(decodes))
        {
            model.UseThreads(runner.Context);
        }
    }

    private void Sample(List<Share> shares)
    {
        foreach (var share in shares)
        {
            share.Sequence.Computed += share.Count;
        }

        var complete = shares.FindAll(share => share.IsComplete);
        if (complete.Count > 1 && complete.Count * model.Model.Vocabulary.Size >= ScoresWorthAThread)
        {
            runner.Scores(complete[0]); // the first look sorts llama.cpp's outputs; after that several may look at a time
            Parallel.ForEach(complete, Advance);
        }
        else
        {
            complete.ForEach(Advance);
        }

        foreach (var share in complete)
        {
            if (share.Draft.Length > 0)
            {
                runner.StepBack(share.Sequence); // over the guesses that were wrong
            }

            if (share.Sequence.IsOver)
            {
                Release(share.Sequence);
            }
        }
    }

    /// <summary>Takes the scores of one sequence. Sequences share nothing, so several may do this at a time.</summary>
    private void Advance(Share share)
    {
        var sequence = share.Sequence;
        try
        {
            sequence.Advance(runner.Scores(share));
            var accepted = 0;
            while (accepted < share.Draft.Length && sequence.Confirms(share.Draft[accepted]))
            {
                accepted++;
                sequence.Computed++;
                sequence.Advance(runner.Scores(share, accepted));
            }

            share.Gained = accepted + 1;
            if (share.Draft.Length > 0)
            {
                sequence.RecordGuess(accepted);
            }
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
    }

    private void StartOver(List<Share> shares)
    {
        foreach (var sequence in shares.Select(share => share.Sequence).Where(sequence => admission.Running.Contains(sequence)).ToList())
        {
            End(sequence, "engine.decode_failed", "The engine failed while it computed this request.");
        }

        if (++breakdowns > 1)
        {
            LogGivesUp(logger);
            ProcessLimits.ExitNow(ExitBroken);
        }

        runner.StartOver();
        admission.StartOver();
    }

    private void End(Sequence sequence, string code, string message)
    {
        sequence.Fail(code, message);
        Release(sequence);
    }

    private void Release(Sequence sequence)
    {
        admission.Leave(sequence);
        ended.Add(sequence);
    }

    private void Flush(bool isPause = false)
    {
        meter.Update(admission.Running.Count, admission.Waiting, slots, runner.Context);
        foreach (var request in admission.Running.Concat(ended))
        {
            request.Flush(isPause);
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

    [LoggerMessage(LogLevel.Critical, "The engine broke a second time and ends")]
    private static partial void LogGivesUp(ILogger logger);
}
