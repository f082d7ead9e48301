using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace LlmPlatform.Inference.Models;

/// <summary>
/// Reads little-endian values off a stream that may lie about everything. Each read is checked against what the file still holds
/// and against a budget for the whole header before a byte is allocated, so memory follows the file and never its claims.
/// </summary>
internal sealed class GgufReader(Stream stream, long length)
{
    // Real headers are dominated by the vocabulary: 262,144 tokens and 514,906 merges take about 16 MB.
    private const long HeaderBudget = 128L << 20;
    // What is kept of keys and values. A chat template has 10 to 100 KB.
    private const long KeptBudget = 4L << 20;

    private readonly byte[] buffer = new byte[64 << 10];
    private int start, end;
    private long kept;

    public long Position { get; private set; }
    public long Remaining => length - Position;

    /// <summary>The first bytes without consuming them, fewer when the file is shorter.</summary>
    public ReadOnlySpan<byte> Peek(int count)
    {
        Fill(count, isRequired: false);
        return buffer.AsSpan(start, Math.Min(count, end - start));
    }

    public byte Byte() => Take(1)[0];
    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));
    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
    public float Single() => BinaryPrimitives.ReadSingleLittleEndian(Take(4));
    public double Double() => BinaryPrimitives.ReadDoubleLittleEndian(Take(8));

    /// <summary>A count of things that take at least <paramref name="unit"/> bytes each. It is read millions of times, so only a refusal makes words.</summary>
    public long Count(long limit, long unit, string what, string? owner = null)
    {
        var count = UInt64();
        if (count > (ulong)limit)
        {
            throw new GgufException(GgufCodes.Limit,
                $"The file claims {count} {what}{(owner is null ? "" : $" '{owner}'")}; at most {limit} are accepted.");
        }

        return (long)count <= Remaining / unit ? (long)count : throw Truncated();
    }

    public string Text(long limit, string what, string? owner = null)
    {
        var bytes = Count(limit, 1, what, owner);
        Keep(bytes);
        if (bytes <= buffer.Length)
        {
            return Encoding.UTF8.GetString(Take((int)bytes));
        }

        var rented = ArrayPool<byte>.Shared.Rent((int)bytes);
        try
        {
            for (var done = 0; done < bytes;)
            {
                var piece = Take((int)Math.Min(buffer.Length, bytes - done));
                piece.CopyTo(rented.AsSpan(done));
                done += piece.Length;
            }

            return Encoding.UTF8.GetString(rented, 0, (int)bytes);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Counts what stays in memory, so that many small values cannot add up to a large one.</summary>
    public void Keep(long bytes)
    {
        kept += bytes;
        if (kept > KeptBudget)
        {
            throw new GgufException(GgufCodes.Limit, $"The keys and values of the file add up to more than {KeptBudget >> 20} MiB.");
        }
    }

    /// <summary>Bytes that live until the next read; at most 64 KiB.</summary>
    public ReadOnlySpan<byte> Take(int count)
    {
        Spend(count);
        Fill(count, isRequired: true);
        var taken = buffer.AsSpan(start, count);
        start += count;
        return taken;
    }

    public void Skip(long count)
    {
        Spend(count);
        var buffered = (int)Math.Min(count, end - start);
        start += buffered;
        count -= buffered;
        if (stream.CanSeek)
        {
            stream.Seek(count, SeekOrigin.Current);
            return;
        }

        while (count > 0)
        {
            start = end = 0;
            var step = (int)Math.Min(count, buffer.Length);
            Fill(step, isRequired: true);
            start += step;
            count -= step;
        }
    }

    public static GgufException Truncated() =>
        new(GgufCodes.Truncated, "The file ends in the middle of its header: the download is incomplete, or a length in it is wrong.");

    private void Spend(long count)
    {
        if (count > Remaining)
        {
            throw Truncated();
        }

        Position += count;
        if (Position > HeaderBudget)
        {
            throw new GgufException(GgufCodes.Limit, $"The header is larger than {HeaderBudget >> 20} MiB.");
        }
    }

    private void Fill(int count, bool isRequired)
    {
        if (end - start >= count)
        {
            return;
        }

        buffer.AsSpan(start, end - start).CopyTo(buffer);
        (start, end) = (0, end - start);
        end += stream.ReadAtLeast(buffer.AsSpan(end), count - end, throwOnEndOfStream: false);
        if (end < count && isRequired)
        {
            throw Truncated();
        }
    }
}
