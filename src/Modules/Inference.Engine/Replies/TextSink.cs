using System.Text;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>
/// Where content or reasoning goes out. White space at the end waits until it is known what follows: before a call or the end of the
/// thinking it is layout and goes away, like white space right behind them.
/// </summary>
internal sealed class TextSink(Action<string> write, bool holdsSpace)
{
    private const int MaxHeldSpace = 64 * 1024;

    private readonly StringBuilder space = new();
    private bool isAtEdge;

    /// <summary>Nothing but white space has come.</summary>
    internal bool IsBlank { get; private set; } = true;

    /// <summary>Characters of white space that wait.</summary>
    internal int Waiting => space.Length;

    internal void Write(string text)
    {
        var shown = isAtEdge ? text.TrimStart() : text;
        if (shown.Length == 0)
        {
            return;
        }

        isAtEdge = false;
        var solid = holdsSpace ? shown.AsSpan().TrimEnd().Length : shown.Length;
        IsBlank &= string.IsNullOrWhiteSpace(shown);
        if (solid == 0)
        {
            HoldSpace(shown);
            return;
        }

        write($"{space}{shown.AsSpan(0, solid)}");
        space.Clear().Append(shown, solid, shown.Length - solid);
    }

    /// <summary>Something else stands here: white space before and behind it is not shown.</summary>
    internal void Edge()
    {
        space.Clear();
        isAtEdge = true;
    }

    /// <summary>The text is over, so the white space at its end belongs to it.</summary>
    internal void Flush()
    {
        if (space.Length > 0)
        {
            write(space.ToString());
            space.Clear();
        }
    }

    private void HoldSpace(string more)
    {
        space.Append(more);
        if (space.Length > MaxHeldSpace)
        {
            Flush();
        }
    }
}
