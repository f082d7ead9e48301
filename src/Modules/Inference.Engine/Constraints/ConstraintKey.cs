using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>Names a source by its content, so that equal sources are compiled once.</summary>
internal static class ConstraintKey
{
    /// <exception cref="Generation.RequestRefusedException">constraint.too_large: more than one request may compile.</exception>
    internal static string Of(ConstraintSource source)
    {
        var text = new StringBuilder();
        Write(source, text, depth: 0);
        return Convert.ToHexString(SHA256.HashData(Encoding.Unicode.GetBytes(text.ToString())));
    }

    private static void Write(ConstraintSource source, StringBuilder text, int depth)
    {
        if (depth > ConstraintLimits.Depth || text.Length > 2 * ConstraintLimits.Text)
        {
            throw ConstraintErrors.TooLarge("The constraint has too many parts", "the whole constraint");
        }

        text.Append(source.GetType().Name);
        if (TextOf(source) is { } own)
        {
            Write(own, text);
            return;
        }

        switch (source)
        {
            case ConstraintSource.Choice choice:
                text.Append(CultureInfo.InvariantCulture, $"({choice.Texts.Count}");
                foreach (var option in choice.Texts)
                {
                    Write(option, text);
                }

                break;
            case ConstraintSource.Sequence sequence:
                Write(sequence.Parts, text, depth);
                break;
            case ConstraintSource.OneOf oneOf:
                Write(oneOf.Options, text, depth);
                break;
            case ConstraintSource.Repeat repeat:
                text.Append(CultureInfo.InvariantCulture, $"({repeat.Min},{repeat.Max}");
                Write(repeat.Separator is null ? [repeat.Part] : [repeat.Part, repeat.Separator], text, depth);
                break;
            default:
                break;
        }
    }

    /// <summary>Null for a source that is more than one text.</summary>
    private static string? TextOf(ConstraintSource source) => source switch
    {
        ConstraintSource.JsonSchema schema => schema.Text,
        ConstraintSource.Regex regex => regex.Pattern,
        ConstraintSource.Grammar grammar => grammar.Text,
        ConstraintSource.Literal literal => literal.Text,
        ConstraintSource.Marker marker => marker.Text,
        ConstraintSource.TextUntil until => until.End,
        ConstraintSource.TextWithout without => without.Text,
        _ => null,
    };

    private static void Write(IReadOnlyList<ConstraintSource> parts, StringBuilder text, int depth)
    {
        text.Append(CultureInfo.InvariantCulture, $"({parts.Count}");
        foreach (var part in parts)
        {
            Write(part, text, depth + 1);
        }
    }

    private static void Write(string part, StringBuilder text)
    {
        if (part.Length > ConstraintLimits.Text)
        {
            throw ConstraintErrors.TooLarge($"A text of the constraint is longer than {ConstraintLimits.Text} characters", "the whole constraint");
        }

        text.Append(CultureInfo.InvariantCulture, $"({part.Length}:").Append(part);
    }
}
