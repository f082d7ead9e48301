using System.Text;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>One of several texts, as a tree: what they begin with in common is read once.</summary>
internal static class Literals
{
    // Deeper than this the texts stand side by side, so that nesting does not grow with them.
    private const int Deepest = 64;

    internal static Node OneOf(IEnumerable<string> texts, Work work)
    {
        var sorted = texts.Distinct(StringComparer.Ordinal).Select(Encoding.UTF8.GetBytes).ToArray();
        Array.Sort(sorted, (left, right) => left.AsSpan().SequenceCompareTo(right));
        return OneOf(sorted, 0, work, 0);
    }

    private static Node OneOf(ReadOnlySpan<byte[]> texts, int from, Work work, int depth)
    {
        work.Spend(texts.Length);
        if (texts.Length == 1)
        {
            work.Spend(texts[0].Length);
            return Node.Literal(texts[0].AsSpan(from));
        }

        var options = new List<Node>();
        var sideBySide = depth == Deepest;
        for (int first = 0, end; first < texts.Length; first = end)
        {
            end = first + 1;
            while (!sideBySide && end < texts.Length && Head(texts[end], from) == Head(texts[first], from))
            {
                end++;
            }

            options.Add(end - first == 1 ? OneOf(texts[first..end], from, work, depth) : Shared(texts[first..end], from, work, depth));
        }

        return Node.Choice([.. options]);
    }

    // Sorted texts share what the first and the last one share.
    private static Node Shared(ReadOnlySpan<byte[]> texts, int from, Work work, int depth)
    {
        var shared = texts[0].AsSpan(from).CommonPrefixLength(texts[^1].AsSpan(from));
        work.Spend(shared);
        return Node.Sequence(Node.Literal(texts[0].AsSpan(from, shared)), OneOf(texts, from + shared, work, depth + 1));
    }

    private static int Head(byte[] text, int from) => from < text.Length ? text[from] : -1;
}
