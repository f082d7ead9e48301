using System.Text;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>How characters are written: as they are, in UTF-8, or as they stand inside a JSON string.</summary>
internal abstract class TextForm
{
    internal static TextForm Plain { get; } = new PlainText();

    internal static TextForm Json { get; } = new JsonText();

    /// <summary>One byte for each character, to count them.</summary>
    internal static TextForm Counted { get; } = new CountedText();

    internal abstract Node Write(CodePoints set);

    private sealed class PlainText : TextForm
    {
        internal override Node Write(CodePoints set) => Utf8.Write(set);
    }

    private sealed class CountedText : TextForm
    {
        internal override Node Write(CodePoints set) => set.IsEmpty ? Node.Never : Node.Byte((byte)'x');
    }

    private sealed class JsonText : TextForm
    {
        private static readonly CodePoints escaped = CodePoints.Of((0, 0x1F), ('"', '"'), ('\\', '\\'));

        internal override Node Write(CodePoints set)
        {
            var options = new List<Node> { Utf8.Write(set.Without(escaped)) };
            foreach (var (first, last) in set.Ranges.Where(r => r.First <= '\\'))
            {
                for (var c = first; c <= Math.Min(last, '\\'); c++)
                {
                    if (escaped.Contains(c))
                    {
                        options.Add(Node.Literal(Escape((char)c)));
                    }
                }
            }

            return options is [var only] ? only : Node.Choice([.. options.Where(o => !ReferenceEquals(o, Node.Never))]);
        }

        private static string Escape(char c) => c switch
        {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\b' => "\\b",
            '\f' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            _ => $"\\u{(int)c:x4}",
        };
    }
}

/// <summary>Turns sets of characters into the byte sequences that write them.</summary>
internal static class Utf8
{
    internal static Node Write(CodePoints set)
    {
        var single = default(ByteSet);
        var options = new List<Node>();
        foreach (var (first, last) in set.Ranges)
        {
            if (first <= 0x7F)
            {
                single |= ByteSet.Range(first, Math.Min(last, 0x7F));
            }

            Add(Math.Max(first, 0x80), Math.Min(last, 0x7FF), options);
            Add(Math.Max(first, 0x800), Math.Min(last, 0xFFFF), options);
            Add(Math.Max(first, 0x10000), last, options);
        }

        if (!single.IsEmpty)
        {
            options.Insert(0, Node.Bytes(single));
        }

        return options.Count == 0 ? Node.Never : Node.Choice([.. options]);
    }

    // Both ends have the same number of bytes. Splits until each byte of the sequence ranges on its own.
    private static void Add(int first, int last, List<Node> options)
    {
        if (first > last)
        {
            return;
        }

        for (var bits = 6; bits <= 18; bits += 6)
        {
            var low = (1 << bits) - 1;
            if ((first & ~low) == (last & ~low))
            {
                continue;
            }

            if ((first & low) != 0)
            {
                Add(first, first | low, options);
                Add((first | low) + 1, last, options);
                return;
            }

            if ((last & low) != low)
            {
                Add(first, (last & ~low) - 1, options);
                Add(last & ~low, last, options);
                return;
            }
        }

        options.Add(Pair(first, last));
    }

    private static Node Pair(int first, int last)
    {
        Span<byte> from = stackalloc byte[4];
        Span<byte> to = stackalloc byte[4];
        var length = new Rune(first).EncodeToUtf8(from);
        new Rune(last).EncodeToUtf8(to);
        var parts = new Node[length];
        for (var i = 0; i < length; i++)
        {
            parts[i] = Node.Bytes(ByteSet.Range(from[i], to[i]));
        }

        return Node.Sequence(parts);
    }
}
