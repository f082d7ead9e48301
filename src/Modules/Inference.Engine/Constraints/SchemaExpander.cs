using System.Text.Json;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>
/// Takes $ref, allOf, anyOf, oneOf and nullable out of schemas: what is left are alternatives, each a list of plain schemas that must all hold.
/// </summary>
internal sealed class SchemaExpander(JsonElement root, Work work, int nesting = 0)
{
    private static readonly JsonElement nullSchema = JsonElement.Parse("""{"type":"null"}""");

    private static readonly string[] joining = ["$ref", "allOf", "anyOf", "oneOf", "properties", "required"];

    private readonly HashSet<string> open = new(StringComparer.Ordinal);
    private readonly HashSet<string> seen = new(StringComparer.Ordinal);
    private int depth;

    // How many schemas around this place are joined with others that may add properties.
    private int joints;

    internal List<List<SchemaPart>> Expand(IEnumerable<SchemaPart> parts)
    {
        var alternatives = new List<List<SchemaPart>> { new() };
        var all = parts.ToList();
        joints += all.Count > 1 ? 1 : 0;
        foreach (var part in all)
        {
            alternatives = Cross(alternatives, Expand(part));
        }

        joints -= all.Count > 1 ? 1 : 0;
        return alternatives;
    }

    /// <summary>Follows schemas that are a $ref and nothing else, so that all who refer to one share its rule.</summary>
    internal SchemaPart Follow(SchemaPart part)
    {
        for (var hops = 0; IsReference(part); hops++)
        {
            part = Resolve(part);
            if (hops == ConstraintLimits.Depth)
            {
                throw ConstraintErrors.Invalid("'$ref' refers to itself, or through too many others", part.Pointer);
            }
        }

        return part;
    }

    private static bool IsReference(SchemaPart part) =>
        part.Has("$ref") && part.Element.EnumerateObject().All(p => p.NameEquals("$ref") || SchemaKeywords.IsAnnotation(p.Name));

    private List<List<SchemaPart>> Expand(SchemaPart part)
    {
        switch (part.Element.ValueKind)
        {
            case JsonValueKind.True:
                return [[]];
            case JsonValueKind.False:
                return [];
            case JsonValueKind.Object:
                break;
            default:
                throw ConstraintErrors.Invalid("A schema must be an object, true or false", part.Pointer);
        }

        if (!open.Add(part.Pointer))
        {
            throw ConstraintErrors.Invalid("A schema contains itself without a property or an item between", part.Pointer);
        }

        if (++depth > ConstraintLimits.Depth * 4)
        {
            throw ConstraintErrors.TooLarge("Schemas contain each other too deeply", part.Pointer);
        }

        Check(part);
        var isJoint = joining.Sum(k => k == "allOf" ? part.Children(k).Count : part.Has(k) ? 1 : 0) > 1;
        joints += isJoint ? 1 : 0;
        var alternatives = ExpandObject(part);
        joints -= isJoint ? 1 : 0;
        depth--;
        open.Remove(part.Pointer);
        return alternatives;
    }

    private List<List<SchemaPart>> ExpandObject(SchemaPart part)
    {
        var alternatives = new List<List<SchemaPart>> { new() { part } };
        if (part.Has("$ref"))
        {
            alternatives = Cross(alternatives, Expand(Resolve(part)));
        }

        foreach (var each in part.Children("allOf"))
        {
            alternatives = Cross(alternatives, Expand(each));
        }

        if (part.Children("anyOf") is { Count: > 0 } any)
        {
            alternatives = Cross(alternatives, [.. any.SelectMany(Expand)]);
        }

        if (part.Children("oneOf") is { Count: > 0 } one)
        {
            alternatives = Cross(alternatives, ExpandOneOf(part, one));
        }

        if (part.Find("nullable") is { ValueKind: JsonValueKind.True })
        {
            alternatives.Add([part.Child("nullable", nullSchema)]);
        }

        return alternatives;
    }

    private List<List<SchemaPart>> ExpandOneOf(SchemaPart part, List<SchemaPart> options)
    {
        var expanded = options.ConvertAll(Expand);
        var overlap = new SchemaOverlap(root, work, nesting + 1, isAlone: joints == 0);
        for (var i = 0; i < expanded.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (!expanded[i].TrueForAll(a => expanded[j].TrueForAll(b => overlap.AreApart(a, b))))
                {
                    throw ConstraintErrors.Unsupported("oneOf", $"{part.Pointer}: the options {j} and {i} may both match");
                }
            }
        }

        return [.. expanded.SelectMany(o => o)];
    }

    private List<List<SchemaPart>> Cross(List<List<SchemaPart>> left, List<List<SchemaPart>> right)
    {
        var all = new List<List<SchemaPart>>();
        foreach (var one in left)
        {
            foreach (var other in right)
            {
                work.Spend(1 + one.Count + other.Count);
                all.Add([.. one, .. other.Where(o => !one.Exists(p => p.Pointer == o.Pointer))]);
            }
        }

        return all;
    }

    private void Check(SchemaPart part)
    {
        work.Spend();
        if (!seen.Add(part.Pointer))
        {
            return;
        }

        foreach (var property in part.Element.EnumerateObject())
        {
            work.Spend();
            if (!SchemaKeywords.IsKnown(property.Name))
            {
                throw ConstraintErrors.Unsupported(property.Name, part.Pointer);
            }
        }
    }

    private SchemaPart Resolve(SchemaPart part)
    {
        work.Spend();
        var reference = part.Text("$ref")!;
        if (reference != "#" && !reference.StartsWith("#/", StringComparison.Ordinal))
        {
            throw ConstraintErrors.Unsupported($"$ref {reference}", part.Pointer);
        }

        var target = new SchemaPart(root, "#");
        foreach (var step in reference.Split('/').Skip(1))
        {
            work.Spend();
            var name = Uri.UnescapeDataString(step).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            target = Step(target, name) ?? throw ConstraintErrors.Unsupported($"$ref {reference}", $"{part.Pointer}: there is no such schema");
        }

        return target;
    }

    private static SchemaPart? Step(SchemaPart from, string name) => from.Element.ValueKind switch
    {
        JsonValueKind.Object => from.Child(name),
        JsonValueKind.Array when int.TryParse(name, out var index) && index >= 0 && index < from.Element.GetArrayLength() =>
            from.Child(name, from.Element[index]),
        _ => null,
    };
}
