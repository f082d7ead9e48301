using System.Buffers;
using System.Text;

namespace LlmPlatform.Inference.Engine.Replies;

/// <summary>
/// Follows one JSON value character by character and says where it ends and whether it is sound. Control characters inside a string are let
/// through and written as escapes, because models write line breaks there. Nothing is kept but a bit for each open bracket.
/// </summary>
internal sealed class JsonScanner
{
    private const int MaxDepth = 128;

    private static readonly SearchValues<char> Specials = SearchValues.Create([.. Enumerable.Range(0, ' ').Select(code => (char)code), '"', '\\']);

    private readonly bool[] isObject = new bool[MaxDepth];
    private State state = State.Value;
    private string word = "";
    private int wordAt;
    private int depth;
    private bool isKey;

    private enum State
    {
        Value, FirstItem, FirstKey, Key, Colon, AfterValue, String, Escape, Hex, Word,
        Minus, Zero, Digits, Point, Fraction, Exponent, Sign, Power,
        Done, Broken,
    }

    internal bool IsDone => state == State.Done;

    internal bool IsBroken => state == State.Broken;

    /// <summary>Returns a JSON text that has nothing before or behind it, mended, or null if it is none.</summary>
    internal static string? Mend(ReadOnlySpan<char> text)
    {
        var (scanner, mended) = (new JsonScanner(), new StringBuilder());
        return scanner.Scan(text, mended) == text.Length && scanner.Finish() ? mended.ToString() : null;
    }

    /// <summary>
    /// Reads on, writes the mended text and returns how many characters belong to the value. It stops where the value is done or broken.
    /// </summary>
    internal int Scan(ReadOnlySpan<char> text, StringBuilder mended)
    {
        var read = 0;
        while (read < text.Length && !IsDone && !IsBroken)
        {
            var plain = state == State.String ? PlainLength(text[read..]) : 0;
            if (plain > 0)
            {
                mended.Append(text.Slice(read, plain));
                read += plain;
            }
            else if (state == State.String && text[read] < ' ')
            {
                mended.Append(JsonStrings.Escape(text[read++]));
            }
            else if (Step(text[read]) && !IsBroken)
            {
                mended.Append(text[read++]);
            }
        }

        return read;
    }

    /// <summary>The text is over; only a number can end by that.</summary>
    internal bool Finish()
    {
        if (depth == 0 && state is State.Zero or State.Digits or State.Fraction or State.Power)
        {
            state = State.Done;
        }

        return IsDone;
    }

    /// <summary>Returns false where the character ended a number and was not read.</summary>
    private bool Step(char letter)
    {
        if (IsNumber(state))
        {
            return InNumber(letter);
        }

        state = state switch
        {
            State.String => letter == '"' ? AfterString() : State.Escape,
            State.Escape => InEscape(letter),
            State.Hex => char.IsAsciiHexDigit(letter) ? (++wordAt < 4 ? State.Hex : State.String) : State.Broken,
            State.Word => InWord(letter),
            _ when letter is ' ' or '\n' or '\r' or '\t' => state,
            State.Value => Begin(letter),
            State.FirstItem => letter == ']' ? Close(letter) : Begin(letter),
            State.FirstKey when letter == '}' => Close(letter),
            State.FirstKey or State.Key => letter == '"' ? BeginKey() : State.Broken,
            State.Colon => letter == ':' ? State.Value : State.Broken,
            State.AfterValue => letter == ',' ? (isObject[depth - 1] ? State.Key : State.Value) : Close(letter),
            _ => State.Broken,
        };
        return true;
    }

    private static int PlainLength(ReadOnlySpan<char> text)
    {
        var special = text.IndexOfAny(Specials);
        return special < 0 ? text.Length : special;
    }

    private State Begin(char letter) => letter switch
    {
        '{' => Open(true),
        '[' => Open(false),
        '"' => State.String,
        '-' => State.Minus,
        '0' => State.Zero,
        >= '1' and <= '9' => State.Digits,
        't' => BeginWord("true"),
        'f' => BeginWord("false"),
        'n' => BeginWord("null"),
        _ => State.Broken,
    };

    private State Open(bool opensObject)
    {
        if (depth == MaxDepth)
        {
            return State.Broken;
        }

        isObject[depth++] = opensObject;
        return opensObject ? State.FirstKey : State.FirstItem;
    }

    private State Close(char letter)
    {
        if (letter != (isObject[depth - 1] ? '}' : ']'))
        {
            return State.Broken;
        }

        depth--;
        return AfterValue();
    }

    private State AfterValue() => depth == 0 ? State.Done : State.AfterValue;

    private State BeginKey()
    {
        isKey = true;
        return State.String;
    }

    private State AfterString()
    {
        var next = isKey ? State.Colon : AfterValue();
        isKey = false;
        return next;
    }

    private State InEscape(char letter)
    {
        wordAt = 0;
        return letter == 'u' ? State.Hex : "\"\\/bfnrt".Contains(letter) ? State.String : State.Broken;
    }

    private State BeginWord(string wanted)
    {
        (word, wordAt) = (wanted, 1);
        return State.Word;
    }

    private State InWord(char letter) => letter != word[wordAt] ? State.Broken : ++wordAt < word.Length ? State.Word : AfterValue();

    private static bool IsNumber(State state) => state is >= State.Minus and <= State.Power;

    private bool InNumber(char letter)
    {
        var next = (state, letter) switch
        {
            (State.Minus, '0') => State.Zero,
            (State.Minus or State.Digits, >= '0' and <= '9') => State.Digits,
            (State.Zero or State.Digits, '.') => State.Point,
            (State.Point or State.Fraction, >= '0' and <= '9') => State.Fraction,
            (State.Zero or State.Digits or State.Fraction, 'e' or 'E') => State.Exponent,
            (State.Exponent, '+' or '-') => State.Sign,
            (State.Exponent or State.Sign or State.Power, >= '0' and <= '9') => State.Power,
            (State.Zero or State.Digits or State.Fraction or State.Power, _) => AfterValue(),
            _ => State.Broken,
        };
        state = next;
        return IsNumber(next) || next == State.Broken;
    }
}
