using System.Buffers;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>Texts to look for in a stream. No marker begins with another one.</summary>
internal sealed class Markers
{
    private readonly string[] texts;
    private readonly SearchValues<char> firsts;

    internal Markers(IEnumerable<string> texts)
    {
        this.texts = [.. texts.Distinct()];
        firsts = SearchValues.Create([.. this.texts.Select(text => text[0])]);
    }

    /// <summary>
    /// Returns how much plain text comes first and the marker behind it. Without a marker the rest behind the plain text may still become one.
    /// </summary>
    internal (int Plain, string? Marker) Find(ReadOnlySpan<char> text, bool isOver)
    {
        for (var at = 0; at < text.Length; at++)
        {
            var next = text[at..].IndexOfAny(firsts);
            if (next < 0)
            {
                break;
            }

            at += next;
            var rest = text[at..];
            foreach (var marker in texts)
            {
                if (rest.StartsWith(marker, StringComparison.Ordinal))
                {
                    return (at, marker);
                }

                if (!isOver && marker.AsSpan().StartsWith(rest, StringComparison.Ordinal))
                {
                    return (at, null);
                }
            }
        }

        return (text.Length, null);
    }
}
