using System.Text;

namespace LlmPlatform.Inference.Engine.Templates;

/// <summary>
/// Keeps marks in somebody's text apart from the template's own while the template works on both: the first character of each is replaced by
/// one that no text here has, and put back when the prompt is done.
/// </summary>
/// <param name="marks">All marks.</param>
/// <param name="first">The first of the characters that stand in, from Unicode's private area.</param>
internal sealed class Cover(Marks marks, char first)
{
    internal const char FirstBlock = '\uE000';
    internal const char LastBlock = '\uF800';
    internal const int BlockLength = 0x100;

    private readonly char last = (char)(first + BlockLength - 1);
    private readonly char[] covered = [.. marks.Beginnings, .. marks.RestBeginnings];

    /// <summary>Something was covered.</summary>
    internal bool HasCovered { get; private set; }

    /// <summary>A text has such characters itself: another block has to do.</summary>
    internal bool IsAmbiguous { get; private set; }

    /// <param name="text">Somebody's.</param>
    /// <param name="some">The marks to hide in it, some of all.</param>
    internal string Hide(string text, Marks some)
    {
        IsAmbiguous |= text.AsSpan().ContainsAnyInRange(first, last);
        var found = some.Find(text);
        var completes = some.Completes(text);
        if (found.Count == 0 && !completes)
        {
            return text;
        }

        HasCovered = true;
        var characters = text.ToCharArray();
        foreach (var at in found)
        {
            characters[at] = StandIn(Array.IndexOf(marks.Beginnings, text[at]));
        }

        if (completes)
        {
            characters[0] = StandIn(marks.Beginnings.Length + Array.IndexOf(marks.RestBeginnings, text[0]));
        }

        return new string(characters);
    }

    /// <summary>The prompt as it is to be, cut behind every character that was put back, and before it where it may complete a mark.</summary>
    internal RenderedPrompt Reveal(string text)
    {
        var cuts = new List<int>();
        var revealed = new StringBuilder(text);
        for (var at = Next(text, 0); at >= 0; at = Next(text, at + 1))
        {
            // A template may write such characters itself: they stay.
            var index = text[at] - first;
            if (index >= covered.Length)
            {
                continue;
            }

            revealed[at] = covered[index];
            if (index >= marks.Beginnings.Length && at > 0 && (cuts.Count == 0 || cuts[^1] < at))
            {
                cuts.Add(at);
            }

            cuts.Add(at + 1);
        }

        return new RenderedPrompt(revealed.ToString(), cuts);
    }

    private char StandIn(int index) => (char)(first + Math.Min(index, BlockLength - 1));

    private int Next(string text, int from)
    {
        var found = text.AsSpan(from).IndexOfAnyInRange(first, last);
        return found < 0 ? -1 : from + found;
    }
}
