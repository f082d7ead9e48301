using System.Diagnostics;
using System.Threading.Channels;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// The news on their way to the host. The scheduler never waits for the wire: it collects the news of a step and hands them over; whoever
/// writes takes all steps that have come up meanwhile as one frame. What can pile up is bounded by the context of the running sequences.
/// A fast model's tokens travel a few together: waking a writer, a host and a reader for each would take longer than computing it.
/// </summary>
internal sealed class Outbox
{
    // A screen shows 60 pictures a second, and no step that takes longer than this waits.
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(16);

    private readonly Lock gate = new();
    private readonly Channel<Step> steps = Channel.CreateUnbounded<Step>(new UnboundedChannelOptions { SingleReader = true });
    private Step open = new();
    private bool isUrgent;
    private bool hasText;
    private long flushed;

    /// <param name="news">What came up.</param>
    /// <param name="isUrgent">Whether somebody waits for just this: a first token, an end.</param>
    internal void Add(Event news, bool isUrgent)
    {
        lock (gate)
        {
            open.Events.Add(news);
            this.isUrgent |= isUrgent;
            hasText |= news.Delta is not null;
        }
    }

    /// <param name="isPause">Whether the next call will be long in coming: text goes now, and only text is worth it.</param>
    internal void Flush(bool isPause)
    {
        lock (gate)
        {
            if (open.Events.Count > 0 && (isPause ? hasText : isUrgent || Stopwatch.GetElapsedTime(flushed) >= Pace))
            {
                steps.Writer.TryWrite(open);
                (open, isUrgent, hasText, flushed) = (new Step(), false, false, Stopwatch.GetTimestamp());
            }
        }
    }

    /// <summary>Null where nothing has come up for so long.</summary>
    internal async ValueTask<Step?> ReadAsync(TimeSpan patience, CancellationToken cancellation)
    {
        if (!steps.Reader.TryRead(out var frame))
        {
            try
            {
                await steps.Reader.WaitToReadAsync(cancellation).AsTask().WaitAsync(patience, cancellation);
            }
            catch (TimeoutException)
            {
                return null;
            }

            steps.Reader.TryRead(out frame);
        }

        while (steps.Reader.TryRead(out var next))
        {
            frame!.Events.Add(next.Events);
        }

        return frame;
    }
}
