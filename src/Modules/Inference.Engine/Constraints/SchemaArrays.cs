using System.Text.Json;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>Arrays: first the items that have a schema of their own, then the others. Where only the first are described there are no others.</summary>
internal static class SchemaArrays
{
    internal static Node Read(List<SchemaPart> parts, SchemaReader reader)
    {
        var min = parts.Max(p => p.Count("minItems")) ?? 0;
        var max = parts.Min(p => p.Count("maxItems"));
        var described = parts.ConvertAll(p => p.Children("prefixItems"));
        var first = described.Max(d => d.Count);
        var isClosed = first > 0 && !parts.Exists(p => p.Has("items"));
        max = isClosed ? Math.Min(max ?? first, first) : max;
        return min > max ? Node.Never : JsonGrammar.Brackets(Items(parts, described, Math.Min(first, max ?? first), min, max, reader));
    }

    private static Node Items(List<SchemaPart> parts, List<List<SchemaPart>> described, int first, int min, int? max, SchemaReader reader)
    {
        if (first == 0)
        {
            return max == 0 ? Node.Empty : SourceCompiler.Separated(Item(first), JsonGrammar.Comma, min, max);
        }

        var rest = max == first ? Node.Empty : Node.Repeat(Node.Sequence(JsonGrammar.Comma, Item(first)), Math.Max(min - first, 0), max - first);
        for (var i = first - 1; i >= 0; i--)
        {
            rest = i == 0 ? Node.Sequence(Item(i), rest) : Node.Sequence(JsonGrammar.Comma, Item(i), rest);
            rest = i < min ? rest : Node.Optional(rest);
        }

        return rest;

        RuleNode Item(int index) => reader.RuleOf(parts.SelectMany((p, i) => index < described[i].Count ? [described[i][index]] : Others(p)));
    }

    private static SchemaPart[] Others(SchemaPart part) => part.Child("items") switch
    {
        null => [],
        { Element.ValueKind: JsonValueKind.Array } => throw ConstraintErrors.Unsupported("items as a list", part.Pointer),
        { } items => [items],
    };
}
