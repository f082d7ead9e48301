namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>
/// Ends a text before the first stop string in it: the one that is complete first, the longer one of two that end together. Text that may
/// still become a stop string is held back, so how the text is cut into pieces changes nothing.
/// </summary>
internal sealed class StopStrings
{
    private readonly string[] stops;
    private string held = "";
    private int cut;

    internal StopStrings(IEnumerable<string> stops)
    {
        this.stops = [.. stops];
        if (this.stops.Contains(""))
        {
            throw new RequestRefusedException("param.range", "A stop string must not be empty.", "stop");
        }
    }

    internal bool HasStopped { get; private set; }

    /// <summary>Characters that were pushed and not returned: held back, or from a stop string on.</summary>
    internal int Withheld => held.Length + cut;

    /// <summary>Returns what may be shown now.</summary>
    internal string Push(string text)
    {
        if (HasStopped || stops.Length == 0)
        {
            cut += HasStopped ? text.Length : 0;
            return HasStopped ? "" : text;
        }

        held += text;
        var start = FindFirst();
        HasStopped = start >= 0;
        var shown = held[..(HasStopped ? start : held.Length - LongestBeginning())];
        cut = HasStopped ? held.Length - shown.Length : 0;
        held = HasStopped ? "" : held[shown.Length..];
        return shown;
    }

    /// <summary>The text is over: what was held back is no stop string any more.</summary>
    internal string Flush()
    {
        var rest = held;
        held = "";
        return rest;
    }

    private int FindFirst()
    {
        var (start, end) = (-1, int.MaxValue);
        foreach (var stop in stops)
        {
            var found = held.IndexOf(stop, StringComparison.Ordinal);
            if (found >= 0 && (found + stop.Length, found).CompareTo((end, start)) < 0)
            {
                (start, end) = (found, found + stop.Length);
            }
        }

        return start;
    }

    private int LongestBeginning()
    {
        for (var length = Math.Min(held.Length, stops.Max(stop => stop.Length) - 1); length > 0; length--)
        {
            var tail = held.AsSpan(held.Length - length);
            foreach (var stop in stops)
            {
                if (stop.AsSpan().StartsWith(tail, StringComparison.Ordinal))
                {
                    return length;
                }
            }
        }

        return 0;
    }
}
