using LlmPlatform.Chat.Conversations;
using LlmPlatform.Inference.Contracts;

namespace LlmPlatform.Chat.Replies;

/// <summary>A reply that is to be written.</summary>
/// <param name="ConversationId">Where.</param>
/// <param name="MessageId">Its message.</param>
/// <param name="ParentId">What it answers.</param>
/// <param name="Number">Replies of a conversation are written in this order.</param>
/// <param name="Asker">Who asks, and pays.</param>
/// <param name="Model">What is asked.</param>
/// <param name="Settings">How.</param>
/// <param name="SealedSystemPrompt">What it is told beforehand.</param>
public sealed record ReplyOrder(
    Guid ConversationId, Guid MessageId, Guid? ParentId, long Number, ModelUser Asker, string Model, ChatSettings Settings, string? SealedSystemPrompt)
{
    /// <summary>What the reply has said already, where it is to go on.</summary>
    public MessageBody? Before { get; init; }

    /// <summary>What it has used so far.</summary>
    public ReplyUsage? UsedBefore { get; init; }

    /// <summary>Whether it may, must or must not begin with a call of a tool.</summary>
    public ToolChoiceMode ToolChoice { get; init; }
}

/// <summary>How a reply ended.</summary>
public sealed record ReplyOutcome(MessageState State, string? FinishReason, ReplyUsage? Usage, ReplyError? Error, long Version);

/// <summary>
/// A reply that this host writes now. Nobody is shown what is not stored yet, so nothing that anybody has seen can be lost; all readers read the one
/// log, each from its own place, so a slow one costs nothing but its connection.
/// </summary>
internal sealed class RunningReply(ReplyOrder order) : IDisposable
{
    private readonly Lock gate = new();
    private readonly ReplyLog log = new(order.Before?.Parts ?? []);
    private readonly CancellationTokenSource stop = new();
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long written = order.Before?.Parts.Sum(part => (long)part.Length) ?? 0;
    private long stored = order.Before?.Parts.Sum(part => (long)part.Length) ?? 0;
    private bool isClosed;
    private bool isOver;

    public ReplyOrder Order { get; } = order;

    /// <summary>Null until the end is stored.</summary>
    private ReplyOutcome? Outcome { get; set; }

    /// <summary>Whether somebody asked for its end; otherwise a cancellation means that the host ends.</summary>
    public bool IsStopped { get; private set; }

    public CancellationToken Stopping => stop.Token;

    public Task Ended => ended.Task;

    public void Stop()
    {
        IsStopped = true;
        Interrupt();
    }

    /// <summary>It ends without anybody's wish: the host does, or does not own it any more.</summary>
    public void Interrupt()
    {
        lock (stop)
        {
            if (!isOver)
            {
                stop.Cancel();
            }
        }
    }

    public void Add(MessagePart part)
    {
        lock (gate)
        {
            log.Add(part);
        }
    }

    public MessageBody Body()
    {
        lock (gate)
        {
            return log.ToBody();
        }
    }

    /// <summary>What has come since the last time, to be stored; null where nothing has, or the end is about to be stored with all of it.</summary>
    public (long Place, IReadOnlyList<MessagePart> Parts)? TakeUnwritten()
    {
        lock (gate)
        {
            if (isClosed || written == log.Length)
            {
                return null;
            }

            var piece = (written, log.Read(written, log.Length));
            written = log.Length;
            return piece;
        }
    }

    /// <summary>A piece could not be stored; it is taken again.</summary>
    public void GiveBack(long place)
    {
        lock (gate)
        {
            written = Math.Min(written, place);
        }
    }

    /// <summary>Up to here all is stored, and may be shown.</summary>
    public void Store(long place)
    {
        lock (gate)
        {
            stored = Math.Max(stored, place);
            Tell();
        }
    }

    /// <summary>Shows what there is: for a reply that is stored nowhere.</summary>
    public void ShowAll()
    {
        lock (gate)
        {
            written = stored = log.Length;
            Tell();
        }
    }

    /// <summary>From now on nothing more of it goes into the table of pieces.</summary>
    public void Close()
    {
        lock (gate)
        {
            isClosed = true;
        }
    }

    public void End(ReplyOutcome outcome)
    {
        lock (gate)
        {
            stored = log.Length;
            Outcome = outcome;
            Tell();
        }

        ended.TrySetResult();
    }

    /// <summary>What may be shown from a place on, at most so much of it; how it ended, where that was all; and what to wait for where it was nothing.</summary>
    public (IReadOnlyList<MessagePart> Parts, ReplyOutcome? Outcome, Task Changed) Read(long from, int most)
    {
        lock (gate)
        {
            var (parts, end) = log.Read(from, stored, most);
            return (parts, end < stored ? null : Outcome, changed.Task);
        }
    }

    public void Dispose()
    {
        lock (stop)
        {
            isOver = true;
            stop.Dispose();
        }
    }

    private void Tell()
    {
        changed.TrySetResult();
        if (Outcome is null)
        {
            changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
