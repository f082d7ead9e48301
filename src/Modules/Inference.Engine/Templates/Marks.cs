using System.Buffers;

namespace LlmPlatform.Inference.Engine.Templates;

/// <summary>Texts that become single tokens with a meaning of their own, such as turn marks.</summary>
internal sealed class Marks
{
    private readonly HashSet<string> texts;
    private readonly int[] lengths;
    private readonly SearchValues<string> any;

    internal Marks(IEnumerable<string> texts)
    {
        this.texts = [.. texts.Where(CanBeCut)];
        lengths = [.. this.texts.Select(text => text.Length).Distinct()];
        any = SearchValues.Create([.. this.texts], StringComparison.Ordinal);
        Beginnings = [.. this.texts.Select(text => text[0]).Distinct()];
    }

    /// <summary>The characters with which they begin.</summary>
    internal char[] Beginnings { get; }

    /// <summary>Where marks begin in a text, and at its end the part of one that what follows might complete.</summary>
    internal List<int> Find(string text)
    {
        var found = new List<int>();
        for (var at = Next(text, 0); at >= 0; at = Next(text, at + 1))
        {
            found.Add(at);
        }

        var longest = lengths.Length == 0 ? 0 : lengths.Max();
        for (var at = Math.Max(0, text.Length - longest + 1); at < text.Length; at++)
        {
            if (Beginnings.Contains(text[at]) && texts.Any(mark => mark.Length > text.Length - at && mark.AsSpan().StartsWith(text.AsSpan(at), StringComparison.Ordinal)))
            {
                found.Add(at);
            }
        }

        return found;
    }

    private int Next(string text, int from)
    {
        var found = text.AsSpan(from).IndexOfAny(any);
        return found < 0 ? -1 : from + found;
    }

    private static bool CanBeCut(string mark) => mark.Length > 1 && !char.IsSurrogate(mark[0]);
}
