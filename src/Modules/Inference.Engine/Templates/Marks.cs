using System.Buffers;

namespace LlmPlatform.Inference.Engine.Templates;

/// <summary>Texts that become single tokens with a meaning of their own, such as turn marks.</summary>
internal sealed class Marks
{
    private readonly HashSet<string> texts;
    private readonly string[] rests;
    private readonly int longest;
    private readonly SearchValues<string> any;

    /// <param name="texts">The marks.</param>
    /// <param name="endings">What a template writes right before somebody's text, among other things: it may be the first half of a mark.</param>
    internal Marks(IEnumerable<string> texts, IReadOnlyList<string> endings)
    {
        this.texts = [.. texts.Where(CanBeCut)];
        longest = this.texts.Select(text => text.Length).DefaultIfEmpty().Max();
        any = SearchValues.Create([.. this.texts], StringComparison.Ordinal);
        rests = [.. Rests(endings).Distinct()];
        Beginnings = [.. this.texts.Select(text => text[0]).Distinct()];
        RestBeginnings = [.. rests.Select(rest => rest[0]).Distinct()];
    }

    /// <summary>The characters with which they begin.</summary>
    internal char[] Beginnings { get; }

    /// <summary>The characters with which that begins which the template may complete to one.</summary>
    internal char[] RestBeginnings { get; }

    /// <summary>Where marks begin in a text, and at its end the part of one that what follows might complete.</summary>
    internal List<int> Find(string text)
    {
        var found = new List<int>();
        for (var at = Next(text, 0); at >= 0; at = Next(text, at + 1))
        {
            found.Add(at);
        }

        for (var at = Math.Max(0, text.Length - longest + 1); at < text.Length; at++)
        {
            if (Beginnings.Contains(text[at]) && texts.Any(mark => mark.Length > text.Length - at && mark.AsSpan().StartsWith(text.AsSpan(at), StringComparison.Ordinal)))
            {
                found.Add(at);
            }
        }

        return found;
    }

    /// <summary>Whether the text may be the rest of a mark that the template begins, or its middle: a key between angle brackets, say.</summary>
    internal bool Completes(string text) =>
        text.Length > 0
        && RestBeginnings.Contains(text[0])
        && rests.Any(rest => text.StartsWith(rest, StringComparison.Ordinal) || rest.StartsWith(text, StringComparison.Ordinal));

    private IEnumerable<string> Rests(IReadOnlyList<string> endings)
    {
        var written = endings.SelectMany(ending => Enumerable.Range(Math.Max(0, ending.Length - longest), Math.Min(longest, ending.Length)).Select(at => ending[at..])).ToHashSet();
        return texts.SelectMany(mark => Enumerable.Range(1, mark.Length - 1).Where(at => written.Contains(mark[..at])).Select(at => mark[at..])).Where(rest => !char.IsSurrogate(rest[0]));
    }

    private int Next(string text, int from)
    {
        var found = text.AsSpan(from).IndexOfAny(any);
        return found < 0 ? -1 : from + found;
    }

    private static bool CanBeCut(string mark) => mark.Length > 1 && !char.IsSurrogate(mark[0]);
}
