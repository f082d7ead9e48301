using System.Text;

namespace LlmPlatform.Inference.Engine.Templates;

/// <summary>
/// Keeps marks in somebody's text apart from the template's own while the template works on both: the first character of each is replaced by
/// one that no text here has, and put back when the prompt is done.
/// </summary>
/// <param name="beginnings">The first characters of all marks.</param>
/// <param name="first">The first of the characters that stand in, from Unicode's private area.</param>
internal sealed class Cover(char[] beginnings, char first)
{
    internal const char FirstBlock = '\uE000';
    internal const char LastBlock = '\uF800';
    internal const int BlockLength = 0x100;

    private readonly char last = (char)(first + BlockLength - 1);

    /// <summary>Something was covered.</summary>
    internal bool HasCovered { get; private set; }

    /// <summary>A text has such characters itself: another block has to do.</summary>
    internal bool IsAmbiguous { get; private set; }

    internal string Hide(string text, Marks marks)
    {
        IsAmbiguous |= text.AsSpan().ContainsAnyInRange(first, last);
        var found = marks.Find(text);
        if (found.Count == 0)
        {
            return text;
        }

        HasCovered = true;
        var characters = text.ToCharArray();
        foreach (var at in found)
        {
            characters[at] = (char)(first + Math.Min(Array.IndexOf(beginnings, text[at]), BlockLength - 1));
        }

        return new string(characters);
    }

    /// <summary>The prompt as it is to be, cut behind every character that was put back.</summary>
    internal RenderedPrompt Reveal(string text)
    {
        var cuts = new List<int>();
        var revealed = new StringBuilder(text);
        for (var at = text.AsSpan().IndexOfAnyInRange(first, last); at >= 0; at = Next(text, at + 1))
        {
            revealed[at] = beginnings[text[at] - first];
            cuts.Add(at + 1);
        }

        return new RenderedPrompt(revealed.ToString(), cuts);
    }

    private int Next(string text, int from)
    {
        var found = text.AsSpan(from).IndexOfAnyInRange(first, last);
        return found < 0 ? -1 : from + found;
    }
}
