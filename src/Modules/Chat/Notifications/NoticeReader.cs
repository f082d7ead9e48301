using System.Threading.Channels;

namespace LlmPlatform.Chat.Notifications;

/// <summary>One open page. What does not fit into its memory is not kept: the page is told once to read its lists again.</summary>
internal sealed class NoticeReader(NoticeBoard board, Guid userId) : IDisposable
{
    private const int Most = 256;
    private readonly Channel<Notice> channel = System.Threading.Channels.Channel.CreateBounded<Notice>(new BoundedChannelOptions(Most) { SingleReader = true });
    private int missed;

    public Guid UserId => userId;

    /// <summary>Whether it was told already that nothing is missed from there on.</summary>
    public bool IsReady { get; set; }

    public void Give(Notice notice)
    {
        if (!channel.Writer.TryWrite(notice))
        {
            Volatile.Write(ref missed, 1);
            channel.Writer.TryWrite(Notice.Resync); // the page may have caught up in this moment, and would wait for the next notice
        }
    }

    public bool TryRead(out Notice notice)
    {
        if (channel.Reader.TryRead(out notice!))
        {
            return true;
        }

        notice = Notice.Resync;
        return Interlocked.Exchange(ref missed, 0) == 1;
    }

    /// <summary>Waits for a notice; false where there will be none.</summary>
    public ValueTask<bool> WaitAsync(CancellationToken cancellation) => channel.Reader.WaitToReadAsync(cancellation);

    public void End() => channel.Writer.TryComplete();

    public void Dispose() => board.Close(this);
}
