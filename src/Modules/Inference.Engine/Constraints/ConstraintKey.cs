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
        switch (source)
        {
            case ConstraintSource.JsonSchema schema:
                Write(schema.Text, text);
                break;
            case ConstraintSource.Regex regex:
                Write(regex.Pattern, text);
                break;
            case ConstraintSource.Grammar grammar:
                Write(grammar.Text, text);
                break;
            case ConstraintSource.Literal literal:
                Write(literal.Text, text);
                break;
            case ConstraintSource.Marker marker:
                Write(marker.Text, text);
                break;
            case ConstraintSource.TextUntil until:
                Write(until.End, text);
                break;
            case ConstraintSource.TextWithout without:
                Write(without.Text, text);
                break;
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
