using System.Text.Json;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>
/// Whether what is written for one alternative can be valid under another. In doubt it can. Alone: no other schema holds at the same place
/// that could add properties.
/// </summary>
internal sealed class SchemaOverlap(JsonElement root, Work work, int nesting, bool isAlone)
{
    private const int Deepest = 3;

    internal bool AreApart(List<SchemaPart> left, List<SchemaPart> right) => AreApart(left, right, 0);

    private bool AreApart(List<SchemaPart> left, List<SchemaPart> right, int depth)
    {
        work.Spend(1 + left.Count + right.Count);
        var (types, otherTypes) = (SchemaTypes.Declared(left), SchemaTypes.Declared(right));
        if ((types & otherTypes) == 0)
        {
            return true;
        }

        var (values, otherValues) = (SchemaValues.Of(left, work), SchemaValues.Of(right, work));
        if (values is not null)
        {
            return values.TrueForAll(v => (SchemaTypes.Of(v) & otherTypes) == 0 || (otherValues is not null && !SchemaValues.Contains(otherValues, v, work)));
        }

        if (otherValues is not null)
        {
            return otherValues.TrueForAll(v => (SchemaTypes.Of(v) & types) == 0);
        }

        return (types & otherTypes) == JsonTypes.Object && (HaveOtherNames(left, right) || DifferInAProperty(left, right, depth));
    }

    // Each needs a property that is never written for the other.
    private bool HaveOtherNames(List<SchemaPart> left, List<SchemaPart> right) => NeedsWhatIsMissing(left, right) && NeedsWhatIsMissing(right, left);

    private bool NeedsWhatIsMissing(List<SchemaPart> needing, List<SchemaPart> written) =>
        (isAlone ? !SchemaObjects.IsOpen(written) : written.Exists(SchemaObjects.IsClosed)) && needing.SelectMany(p => p.Texts("required")).Any(name => !SchemaObjects.MayWrite(written, name));

    private bool DifferInAProperty(List<SchemaPart> left, List<SchemaPart> right, int depth)
    {
        if (depth + nesting > Deepest)
        {
            return false;
        }

        var expander = new SchemaExpander(root, work, nesting + depth);
        foreach (var name in left.SelectMany(p => p.Texts("required")).Intersect(right.SelectMany(p => p.Texts("required")), StringComparer.Ordinal))
        {
            var alternatives = expander.Expand(SchemaObjects.PartsOf(left, name));
            var others = expander.Expand(SchemaObjects.PartsOf(right, name));
            if (alternatives.TrueForAll(a => others.TrueForAll(b => AreApart(a, b, depth + 1))))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>The values that enum and const leave.</summary>
internal static class SchemaValues
{
    /// <summary>Null where neither is said.</summary>
    internal static List<JsonElement>? Of(List<SchemaPart> parts, Work work)
    {
        List<JsonElement>? values = null;
        foreach (var part in parts)
        {
            if (part.Find("enum") is { } list)
            {
                values = Both(values, list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray()] : throw part.Invalid("enum", "must be a list"), work);
            }

            if (part.Find("const") is { } constant)
            {
                values = Both(values, [constant], work);
            }
        }

        return values;
    }

    internal static bool Contains(List<JsonElement> values, JsonElement value, Work work)
    {
        work.Spend(values.Count);
        return values.Exists(v => JsonElement.DeepEquals(v, value));
    }

    private static List<JsonElement> Both(List<JsonElement>? left, List<JsonElement> right, Work work)
    {
        work.Spend(right.Count);
        return left is null ? right : left.FindAll(v => Contains(right, v, work));
    }
}
