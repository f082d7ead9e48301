namespace LlmPlatform.Host.Web;

/// <summary>Writes to another stream and keeps a copy. A reader who has gone does not end the writing.</summary>
internal sealed class CopyingStream(Stream target, int most) : Stream
{
    private readonly MemoryStream copy = new();
    private bool isTooLong;
    private bool hasReader = true;

    /// <summary>What was written, or null where it is too long to keep.</summary>
    public byte[]? Copied => isTooLong ? null : copy.ToArray();

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush() => throw new NotSupportedException();

    public override Task FlushAsync(CancellationToken cancellationToken) => ToReaderAsync(() => target.FlushAsync(cancellationToken));

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (copy.Length + buffer.Length > most)
        {
            isTooLong = true;
        }
        else
        {
            copy.Write(buffer.Span);
        }

        await ToReaderAsync(() => target.WriteAsync(buffer, cancellationToken).AsTask());
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    private async Task ToReaderAsync(Func<Task> write)
    {
        if (!hasReader)
        {
            return;
        }

        try
        {
            await write();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            hasReader = false;
        }
    }
}
