using System.Text;
using LlmPlatform.Chat.Conversations;

namespace LlmPlatform.Chat.Replies;

/// <summary>What a reply has said, as places: text has a place per character (UTF-16), and everything else takes one. Not for several threads.</summary>
internal sealed class ReplyLog
{
    private readonly List<Entry> entries = [];

    public ReplyLog(IEnumerable<MessagePart> parts)
    {
        foreach (var part in parts)
        {
            Add(part);
        }
    }

    public long Length { get; private set; }

    /// <summary>Texts of one kind that follow each other become one.</summary>
    public void Add(MessagePart part)
    {
        if (part.IsText && entries is [.., var last] && last.Head.Kind == part.Kind)
        {
            last.Text!.Append(part.Text);
        }
        else
        {
            entries.Add(new Entry(Length, part, part.IsText ? new StringBuilder(part.Text) : null));
        }

        Length += part.Length;
    }

    /// <summary>What stands between two places.</summary>
    public IReadOnlyList<MessagePart> Read(long from, long to)
    {
        var read = new List<MessagePart>();
        for (var i = FirstAfter(from); i < entries.Count && entries[i].Start < to; i++)
        {
            var entry = entries[i];
            if (entry.Text is not { } text)
            {
                read.Add(entry.Head);
            }
            else if ((int)(Math.Max(from, entry.Start) - entry.Start) is var start && (int)(Math.Min(to, entry.Start + text.Length) - entry.Start) is var end && end > start)
            {
                read.Add(entry.Head with { Text = text.ToString(start, end - start) });
            }
        }

        return read;
    }

    /// <summary>What stands from a place on, at most about so much of it, and the place behind that. No character is cut in two.</summary>
    public (IReadOnlyList<MessagePart> Parts, long End) Read(long from, long to, int most)
    {
        var end = to - from <= most ? to : from + most;
        if (end <= from)
        {
            return ([], from);
        }

        var parts = Read(from, end);
        return end < to && parts[^1] is { IsText: true, Text: { Length: > 1 } text } && char.IsHighSurrogate(text[^1])
            ? ([.. parts.SkipLast(1), parts[^1] with { Text = text[..^1] }], end - 1)
            : (parts, end);
    }

    public MessageBody ToBody() => new(Read(0, Length));

    private int FirstAfter(long place)
    {
        var i = entries.Count;
        while (i > 0 && (entries[i - 1].Text is { } text ? entries[i - 1].Start + text.Length : entries[i - 1].Start + 1) > place)
        {
            i--;
        }

        return i;
    }

    private sealed record Entry(long Start, MessagePart Head, StringBuilder? Text);
}
