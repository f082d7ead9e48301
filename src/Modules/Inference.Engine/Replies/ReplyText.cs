namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>
/// The text of a reply between what was pushed and what was read. Text behind the mark stays, so that a call that turns out to be none can
/// be given back as it was written.
/// </summary>
internal sealed class ReplyText
{
    private char[] buffer = new char[256];
    private int mark;
    private int at;
    private int end;

    /// <summary>Nothing will be appended any more.</summary>
    internal bool IsOver { get; private set; }

    internal bool IsEmpty => at == end;

    internal ReadOnlySpan<char> Unread => buffer.AsSpan(at, end - at);

    /// <summary>Characters between the mark and the place of reading.</summary>
    internal int Marked => at - mark;

    /// <summary>Characters behind the mark: what they mean is not settled.</summary>
    internal int Unsettled => end - mark;

    internal void Append(string text)
    {
        if (end + text.Length > buffer.Length)
        {
            MakeRoom(text.Length);
        }

        text.CopyTo(buffer.AsSpan(end));
        end += text.Length;
    }

    internal void Complete() => IsOver = true;

    internal void Mark() => mark = at;

    internal void Skip(int count) => at += count;

    /// <summary>This many unread characters, or one more where they would end inside a surrogate pair.</summary>
    internal int Whole(int count) => at + count < end && at + count > 0 && char.IsSurrogatePair(buffer[at + count - 1], buffer[at + count]) ? count + 1 : count;

    /// <summary>Reads on, and the mark comes along.</summary>
    internal string Take(int count)
    {
        var taken = new string(buffer, at, Whole(count));
        at += taken.Length;
        mark = at;
        return taken;
    }

    /// <summary>Returns what was read since the mark; the mark comes along.</summary>
    internal string TakeMarked()
    {
        at += Whole(0);
        var taken = new string(buffer, mark, at - mark);
        mark = at;
        return taken;
    }

    /// <summary>True and false are final; null: more text decides.</summary>
    internal bool? StartsWith(string text) => this switch
    {
        _ when Unread.StartsWith(text, StringComparison.Ordinal) => true,
        { IsOver: false } when text.AsSpan().StartsWith(Unread, StringComparison.Ordinal) => null,
        _ => false,
    };

    private void MakeRoom(int count)
    {
        var kept = buffer.AsSpan(mark, end - mark);
        var target = kept.Length + count > buffer.Length / 2 ? new char[2 * (kept.Length + count)] : buffer;
        kept.CopyTo(target);
        (buffer, at, end, mark) = (target, at - mark, kept.Length, 0);
    }
}
