using System.Diagnostics;
using LlmPlatform.Inference.Engine.Llama;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>How busy the worker is: counted by the scheduler's thread, handed to whoever writes the next frame.</summary>
internal sealed class LoadMeter
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly Load counters = new();
    private double microseconds;
    private long published;
    private Load? news;

    internal void Step(double duration, int prefillTokens, int decodeTokens)
    {
        microseconds += duration;
        counters.Steps++;
        counters.PrefillTokens += (ulong)prefillTokens;
        counters.DecodeTokens += (ulong)decodeTokens;
    }

    internal void Reused(int tokens) => counters.ReusedTokens += (ulong)tokens;

    internal void Preempted() => counters.Preemptions++;

    internal void Moved(int sequences) => counters.Moves += (ulong)sequences;

    internal void Update(int running, int waiting, KvSlots slots, LlamaContext context)
    {
        if (running > 0 && Stopwatch.GetElapsedTime(published) < Interval)
        {
            return;
        }

        published = Stopwatch.GetTimestamp();
        counters.Running = (uint)running;
        counters.Waiting = (uint)waiting;
        counters.Cells = (ulong)slots.Cells;
        counters.TotalCells = (ulong)slots.TotalCells;
        counters.StepMicroseconds = (ulong)microseconds;
        counters.GraphReuses = (ulong)context.GraphReuses;
        Volatile.Write(ref news, counters.Clone());
    }

    /// <summary>What has not been told yet, from any thread.</summary>
    internal Load? Take() => Interlocked.Exchange(ref news, null);
}
