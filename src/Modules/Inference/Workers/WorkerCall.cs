using System.Threading.Channels;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Inference.Workers;

/// <summary>One request that a worker serves, and the news of it that nobody has read yet.</summary>
internal sealed class WorkerCall(ulong id, Action<WorkerCall> abandon) : IDisposable
{
    // A news item is a token or so: this is minutes of a common model, seconds of the tiniest, or a few megabytes.
    private const int Unread = 16_384;

    private readonly Channel<Event> news = Channel.CreateBounded<Event>(new BoundedChannelOptions(Unread) { SingleReader = true });

    public ulong Id => id;

    /// <summary>Ends after the last news; throws <see cref="Contracts.GenerationException"/> where the worker failed.</summary>
    public ChannelReader<Event> News => news.Reader;

    /// <summary>Tells the worker to stop, unless this is over.</summary>
    public void Dispose() => abandon(this);

    /// <summary>False where the reader has fallen so far behind that there is no room.</summary>
    public bool TryAdd(Event item)
    {
        if (!news.Writer.TryWrite(item))
        {
            return false;
        }

        if (IsLast(item))
        {
            news.Writer.TryComplete();
        }

        return true;
    }

    public void Fail(Error error) => news.Writer.TryComplete(error.ToException());

    public static bool IsLast(Event item) => item.NewsCase is Event.NewsOneofCase.Finished or Event.NewsOneofCase.Failed;
}
