using System.Collections;
using System.Text;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>
/// The steps of which every family's reader is made. A step that meets what it cannot read breaks the call; then the text since the mark is
/// given back as content. All limits are counted in characters, so how the text is cut changes nothing.
/// </summary>
internal sealed class CallReader(ReplyText text, CallWriter calls)
{
    internal const int MaxName = 256;
    internal const int MaxArguments = 1024 * 1024;
    private const int MaxHeld = 64 * 1024;
    private const string CutOff = "the reply ended inside a call";
    private const string TooLong = "the arguments are too long";

    internal CallWriter Calls => calls;

    internal bool IsBroken => calls.IsBroken;

    /// <summary>What the last step found: whether the literal stood there, which end came, the text before it.</summary>
    internal bool Found { get; private set; }

    internal string End { get; private set; } = "";

    /// <summary>Characters of the last string that was handed on.</summary>
    internal int Length { get; private set; }

    internal string Taken { get; private set; } = "";

    /// <summary>The first unread character; '\0' where the text is over.</summary>
    internal char Next => text.IsEmpty ? '\0' : text.Unread[0];

    internal void Mark() => text.Mark();

    /// <summary>One step after the other, as long as the call is not broken.</summary>
    internal IEnumerator All(params IEnumerator[] steps)
    {
        for (var at = 0; at < steps.Length && !IsBroken; at++)
        {
            yield return steps[at];
        }
    }

    internal IEnumerator Space()
    {
        for (var room = MaxHeld; room > 0;)
        {
            var space = Math.Min(text.Unread.Length - text.Unread.TrimStart().Length, room);
            text.Skip(space);
            room -= space;
            if (room > 0 && (!text.IsEmpty || text.IsOver))
            {
                yield break;
            }

            if (room > 0)
            {
                yield return null;
            }
        }

        calls.Break("white space without end");
    }

    internal IEnumerator Optional(string literal)
    {
        yield return LookFor(literal);
        text.Skip(Found ? literal.Length : 0);
    }

    /// <summary>What may stand behind a whole call; white space between goes away with it.</summary>
    internal IEnumerator Tail(params string[] literals)
    {
        for (var at = 0; at < literals.Length && !IsBroken; at++)
        {
            yield return All(Space(), Optional(literals[at]));
            text.Mark();
        }
    }

    internal IEnumerator Expect(string literal)
    {
        yield return Optional(literal);
        if (!Found)
        {
            calls.Break(text.IsOver && text.IsEmpty ? CutOff : $"expected {literal}");
        }
    }

    /// <summary>Takes the text before one of these ends and skips the end.</summary>
    internal IEnumerator Until(Markers ends, int limit)
    {
        yield return Before(ends, limit);
        text.Skip(IsBroken ? 0 : End.Length);
    }

    /// <summary>Takes the text before one of these ends; the end stays.</summary>
    internal IEnumerator Before(Markers ends, int limit)
    {
        var taken = new StringBuilder();
        while (true)
        {
            var (plain, end) = ends.Find(text.Unread, text.IsOver);
            if (taken.Length + plain > limit)
            {
                text.Skip(limit - taken.Length);
                calls.Break("a part of the call is too long");
                yield break;
            }

            taken.Append(text.Unread[..plain]);
            text.Skip(plain);
            if (end is not null)
            {
                (Taken, End) = (taken.ToString(), end);
                yield break;
            }

            if (text.IsOver)
            {
                calls.Break(CutOff);
                yield break;
            }

            yield return null;
        }
    }

    /// <summary>Hands text on as the inside of a JSON string until the end comes, which is skipped. Padding is a line break each side.</summary>
    internal IEnumerator StringUntil(Markers ends, bool isPadded, int limit)
    {
        var (held, isFirst) = ("", isPadded);
        Length = 0;
        while (true)
        {
            var (plain, end) = ends.Find(text.Unread, text.IsOver);
            var part = held + text.Take(Math.Min(plain, limit - Length));
            Length += part.Length - held.Length;
            part = isFirst && part.StartsWith('\n') ? part[1..] : part;
            isFirst &= Length == 0;
            held = isPadded && part.EndsWith('\n') ? "\n" : "";
            calls.Arguments(JsonStrings.Escape(part[..^held.Length]));
            if (end is not null && Length < limit)
            {
                text.Skip(end.Length);
                yield break;
            }

            if (Length >= limit || text.IsOver)
            {
                calls.Break(text.IsOver ? CutOff : TooLong);
                yield break;
            }

            yield return null;
        }
    }

    /// <summary>Takes one JSON value.</summary>
    internal IEnumerator Value(int limit = MaxHeld) => Scan(Math.Clamp(MaxArguments + MaxHeld - text.Marked, 0, limit), isStreamed: false);

    /// <summary>Takes a value that may be as long as arguments are.</summary>
    internal IEnumerator HeldArguments() => Value(MaxArguments);

    /// <summary>
    /// Starts a call whose JSON arguments come next and reads it to its end. A call that is closed at once has no arguments.
    /// </summary>
    internal IEnumerator Call(string name, string? id, string? close = null)
    {
        yield return All(Space(), LookFor(close ?? "{"));
        var hasNone = close is not null && Found;
        if (!IsBroken && !hasNone && Next != '{')
        {
            calls.Break(text.IsEmpty ? CutOff : "the arguments are no JSON object");
        }

        if (IsBroken || !calls.Start(name, id))
        {
            yield break;
        }

        text.Mark();
        if (hasNone)
        {
            calls.Arguments("{}");
        }
        else
        {
            yield return Scan(MaxArguments, isStreamed: true);
        }

        if (!IsBroken)
        {
            calls.Finish();
        }
    }

    private IEnumerator LookFor(string literal)
    {
        bool? answer;
        while ((answer = text.StartsWith(literal)) is null)
        {
            yield return null;
        }

        Found = answer.Value;
    }

    private IEnumerator Scan(int limit, bool isStreamed)
    {
        var (scanner, value, read) = (new JsonScanner(), new StringBuilder(), 0);
        while (true)
        {
            var count = scanner.Scan(text.Unread[..text.Whole(Math.Min(text.Unread.Length, limit - read))], value);
            text.Skip(count);
            read += count;
            if (isStreamed)
            {
                calls.Arguments(value);
                text.Mark();
            }

            if (scanner.IsDone || scanner.IsBroken || read >= limit || text.IsOver)
            {
                break;
            }

            yield return null;
        }

        Taken = value.ToString();
        if (!scanner.IsDone)
        {
            calls.Break(scanner.IsBroken ? "the arguments are no JSON" : read >= limit ? TooLong : CutOff);
        }
    }
}
