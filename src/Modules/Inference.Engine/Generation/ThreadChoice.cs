using System.Diagnostics;
using LlmPlatform.Inference.Engine.Llama;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// How many threads are fastest depends on the model, the cores and who else uses them: a barrier in every layer makes the second thread a
/// loss for a tiny model, and hardware threads add little. So a few steps with each choice decide.
/// </summary>
internal static class ThreadChoice
{
    // A step this long is bound by memory or arithmetic, where all cores help; trying others would delay the start.
    private static readonly TimeSpan LongStep = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Budget = TimeSpan.FromMilliseconds(30);
    private const int Repetitions = 5;
    private const double WorthAnotherThread = 1.15;

    internal static (LlamaThreadPool Decode, LlamaThreadPool Batch) Fixed(int threads)
    {
        var pool = new LlamaThreadPool(threads);
        return (pool, pool);
    }

    /// <summary>One choice for steps of a single token, one for prompts and for many sequences at a time.</summary>
    internal static (LlamaThreadPool Decode, LlamaThreadPool Batch) Measure(LlamaContext context, Vocabulary vocabulary)
    {
        var token = vocabulary.BeginOfText ?? 0;
        var batchTokens = Math.Min(32, context.BatchTokens);
        var decode = Fastest(context, token, tokens: 1);
        var batch = Fastest(context, token, batchTokens);
        if (batch.Threads != decode.Threads)
        {
            return (decode, batch);
        }

        // Steps of both kinds take turns, and changing the pool costs a pause of the other one.
        batch.Dispose();
        return (decode, decode);
    }

    private static LlamaThreadPool Fastest(LlamaContext context, int token, int tokens)
    {
        var batch = new TokenBatch(tokens);
        for (var index = 0; index < tokens; index++)
        {
            batch.Add(token, index, sequence: 0, output: index == tokens - 1);
        }

        var best = new LlamaThreadPool(Environment.ProcessorCount);
        // The first step reads the weights and reserves the graph.
        TimeStep(context, batch, best);
        var bestTime = TimeStep(context, batch, best);
        var started = Stopwatch.GetTimestamp();
        for (var threads = best.Threads; threads >= 1 && bestTime < LongStep; threads /= 2)
        {
            var pool = threads == best.Threads ? best : new LlamaThreadPool(threads);
            var time = TimeSpan.MaxValue;
            for (var turn = 0; turn < Repetitions && Stopwatch.GetElapsedTime(started) < Budget; turn++)
            {
                var step = TimeStep(context, batch, pool);
                time = step < time ? step : time;
            }

            if (pool == best)
            {
                bestTime = time < bestTime ? time : bestTime;
                continue;
            }

            // A busy neighbour can make two threads look a little faster for a moment; they have to earn their keep.
            var fewerWin = time < bestTime * WorthAnotherThread;
            var slower = fewerWin ? best : pool;
            (best, bestTime) = fewerWin ? (pool, time) : (best, bestTime);
            context.UseThreads(best, best);
            slower.Dispose();
        }

        return best;
    }

    private static TimeSpan TimeStep(LlamaContext context, TokenBatch batch, LlamaThreadPool pool)
    {
        context.UseThreads(pool, pool);
        context.ForgetAll();
        var started = Stopwatch.GetTimestamp();
        if (context.Decode(batch) != DecodeResult.Done)
        {
            throw new ModelLoadException("model.load_failed", "The model's first step failed.");
        }

        var time = Stopwatch.GetElapsedTime(started);
        context.ForgetAll();
        return time;
    }
}
