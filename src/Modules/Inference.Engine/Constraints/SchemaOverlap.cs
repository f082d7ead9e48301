using System.Text.Json;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>
/// Whether what is written for one alternative can be valid under another. In doubt it can. Alone: no other schema holds at the same place
/// that could add properties.
/// </summary>
internal sealed class SchemaOverlap(JsonElement root, Work work, int nesting, bool isAlone)
{
    private const int Deepest = 3;

    // Each option is compared with all others: what it says is read once.
    private readonly Dictionary<List<SchemaPart>, Facts> facts = [];
    private readonly Dictionary<(List<SchemaPart> Parts, string Name, int Depth), List<List<SchemaPart>>> properties = [];

    internal bool AreApart(List<SchemaPart> left, List<SchemaPart> right) => AreApart(left, right, 0);

    private bool AreApart(List<SchemaPart> left, List<SchemaPart> right, int depth)
    {
        work.Spend(1 + left.Count + right.Count);
        var (one, other) = (FactsOf(left), FactsOf(right));
        if ((one.Types & other.Types) == 0)
        {
            return true;
        }

        if (one.Values is { } values)
        {
            return values.TrueForAll(v => (SchemaTypes.Of(v) & other.Types) == 0 || (other.Values is not null && !SchemaValues.Contains(other.Values, v, work)));
        }

        if (other.Values is { } others)
        {
            return others.TrueForAll(v => (SchemaTypes.Of(v) & one.Types) == 0);
        }

        return (one.Types & other.Types) == JsonTypes.Object && (HaveOtherNames(left, right) || DifferInAProperty(left, right, depth));
    }

    private Facts FactsOf(List<SchemaPart> parts)
    {
        if (!facts.TryGetValue(parts, out var known))
        {
            known = new Facts(SchemaTypes.Declared(parts), SchemaValues.Of(parts, work), [.. parts.SelectMany(p => p.Texts("required"))]);
            facts.Add(parts, known);
        }

        return known;
    }

    // Each needs a property that is never written for the other.
    private bool HaveOtherNames(List<SchemaPart> left, List<SchemaPart> right) => NeedsWhatIsMissing(left, right) && NeedsWhatIsMissing(right, left);

    private bool NeedsWhatIsMissing(List<SchemaPart> needing, List<SchemaPart> written) =>
        (isAlone ? !SchemaObjects.IsOpen(written) : written.Exists(SchemaObjects.IsClosed)) && FactsOf(needing).Required.Any(name => !SchemaObjects.MayWrite(written, name));

    private bool DifferInAProperty(List<SchemaPart> left, List<SchemaPart> right, int depth)
    {
        if (depth + nesting > Deepest)
        {
            return false;
        }

        foreach (var name in FactsOf(left).Required.Where(FactsOf(right).Required.Contains))
        {
            work.Spend();
            var others = Property(right, name, depth);
            if (Property(left, name, depth).TrueForAll(a => others.TrueForAll(b => AreApart(a, b, depth + 1))))
            {
                return true;
            }
        }

        return false;
    }

    private List<List<SchemaPart>> Property(List<SchemaPart> parts, string name, int depth)
    {
        if (!properties.TryGetValue((parts, name, depth), out var known))
        {
            known = new SchemaExpander(root, work, nesting + depth).Expand(SchemaObjects.PartsOf(parts, name));
            properties.Add((parts, name, depth), known);
        }

        return known;
    }

    private sealed record Facts(JsonTypes Types, List<JsonElement>? Values, HashSet<string> Required);
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
