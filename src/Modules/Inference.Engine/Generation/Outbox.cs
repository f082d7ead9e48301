using System.Threading.Channels;
using LlmPlatform.Inference.Engine.Protocol;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// The news on their way to the host. The scheduler never waits for the wire: it collects the news of a step and hands them over; whoever
/// writes takes all steps that have come up meanwhile as one frame. What can pile up is bounded by the context of the running sequences.
/// </summary>
internal sealed class Outbox
{
    private readonly Lock gate = new();
    private readonly Channel<Step> steps = Channel.CreateUnbounded<Step>(new UnboundedChannelOptions { SingleReader = true });
    private Step open = new();

    internal void Add(Event news)
    {
        lock (gate)
        {
            open.Events.Add(news);
        }
    }

    internal void Flush()
    {
        lock (gate)
        {
            if (open.Events.Count > 0)
            {
                steps.Writer.TryWrite(open);
                open = new Step();
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
