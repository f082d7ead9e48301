namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>Numbers and their bounds.</summary>
internal static class SchemaNumbers
{
    internal static Node Read(List<SchemaPart> parts, JsonTypes types)
    {
        var min = Tightest(parts, "minimum", "exclusiveMinimum", sign: 1);
        var max = Tightest(parts, "maximum", "exclusiveMaximum", sign: -1);
        var isWhole = (types & JsonTypes.Fraction) == 0;
        return (min, max) is (null, null) ? isWhole ? JsonGrammar.Integer : JsonGrammar.Number
            : isWhole ? NumberRange.Integers(min, max) : NumberRange.Numbers(min, max);
    }

    private static Bound? Tightest(List<SchemaPart> parts, string closed, string open, int sign) => parts
        .SelectMany(p => new[] { (Value: p.Decimal(closed), IsOpen: false), (Value: p.Decimal(open), IsOpen: true) })
        .Where(b => b.Value is not null)
        .OrderByDescending(b => sign * b.Value).ThenByDescending(b => b.IsOpen)
        .Select(b => new Bound(b.Value!.Value, b.IsOpen))
        .FirstOrDefault();
}
