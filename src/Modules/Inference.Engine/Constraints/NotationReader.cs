using System.Globalization;
using System.Text;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>What readers of patterns and of grammars have in common: a place in a text, and what is said of it.</summary>
/// <param name="text">What is read.</param>
/// <param name="where">Its name in refusals.</param>
internal abstract class NotationReader(string text, string where)
{
    protected int At { get; set; }

    protected string Place => $"{where}, character {At}";

    // The zero character stands for the end, so a text that contains one is refused as it is reached.
    protected char Peek() => At < text.Length ? text[At] : '\0';

    protected bool Take(char c)
    {
        if (Peek() != c || At >= text.Length)
        {
            return false;
        }

        At++;
        return true;
    }

    protected void Expect(char c)
    {
        if (!Take(c))
        {
            throw Invalid($"'{c}' is missing");
        }
    }

    /// <summary>How often something is repeated.</summary>
    protected int ReadNumber()
    {
        var start = At;
        while (char.IsAsciiDigit(Peek()))
        {
            At++;
        }

        return At == start ? throw Invalid("A number is missing")
            : int.TryParse(text.AsSpan(start, At - start), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && number <= ConstraintLimits.CountedRepeats ? number
                : throw ConstraintErrors.TooLarge($"A repeat of more than {ConstraintLimits.CountedRepeats}", Place);
    }

    /// <summary>Null where so many digits do not stand there; they are still unread then.</summary>
    protected int? ReadHexDigits(int count)
    {
        if (At + count > text.Length || !int.TryParse(text.AsSpan(At, count), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            return null;
        }

        At += count;
        return value;
    }

    protected int ReadRune()
    {
        if (!Rune.TryGetRuneAt(text, At, out var rune))
        {
            throw Invalid("Half a character");
        }

        At += rune.Utf16SequenceLength;
        return rune.Value;
    }

    protected Exception Invalid(string what) => ConstraintErrors.Invalid(what, Place);

    protected Exception Unsupported(string what) => ConstraintErrors.Unsupported(what, Place);
}
