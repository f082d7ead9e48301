using System.Text;
using System.Text.Json;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>
/// Objects: their properties in the order of the schema, optional ones may be left out, then others where the schema is open. A schema that
/// describes properties is closed unless it says otherwise; one that describes none is open.
/// </summary>
internal sealed class SchemaObjects(List<SchemaPart> parts, SchemaReader reader, Rules rules, JsonGrammar json, Work work)
{
    internal static bool IsOpen(List<SchemaPart> parts)
    {
        var said = parts.ConvertAll(p => p.Find("additionalProperties")?.ValueKind);
        return !said.Contains(JsonValueKind.False) && (said.Exists(s => s is not null) || !parts.Exists(p => p.Has("properties")));
    }

    /// <summary>The schema says itself that it takes no other properties.</summary>
    internal static bool IsClosed(SchemaPart part) => part.Find("additionalProperties")?.ValueKind == JsonValueKind.False;

    internal static bool MayWrite(List<SchemaPart> parts, string name) =>
        parts.Exists(p => p.Child("properties")?.Has(name) == true || p.Texts("required").Contains(name));

    /// <summary>The schemas for the value of one property.</summary>
    internal static IEnumerable<SchemaPart> PartsOf(List<SchemaPart> parts, string name)
    {
        foreach (var part in parts)
        {
            if (part.Child("properties")?.Find(name) is { } own)
            {
                yield return part.Child("properties", name, own);
            }
            else if (part.Child("additionalProperties") is { } others)
            {
                yield return others;
            }
        }
    }

    internal Node Read()
    {
        var required = parts.SelectMany(p => p.Texts("required")).ToHashSet(StringComparer.Ordinal);
        var names = parts.SelectMany(Names).Concat(required).Distinct(StringComparer.Ordinal).ToList();
        var (first, after) = Others(names);
        for (var i = names.Count - 1; i >= 0; i--)
        {
            work.Spend(parts.Count + (names.Count / 16)); // finding a property is a walk over all of them
            var property = Property(names[i]);
            var (begin, go) = (Node.Sequence(property, after), Node.Sequence(JsonGrammar.Comma, property, after));
            var isRequired = required.Contains(names[i]);
            first = rules.Add(isRequired ? begin : Node.Choice(begin, first));
            after = rules.Add(isRequired ? go : Node.Choice(go, after));
        }

        return JsonGrammar.Braces(first);
    }

    private static IEnumerable<string> Names(SchemaPart part) => part.Find("properties") switch
    {
        null => [],
        { ValueKind: JsonValueKind.Object } properties => properties.EnumerateObject().Select(p => p.Name),
        _ => throw part.Invalid("properties", "must be an object"),
    };

    private RuleNode Property(string name)
    {
        work.Spend(name.Length);
        return rules.Add(Node.Sequence(JsonGrammar.Quoted(Node.Literal(SchemaDocument.Write(name))), JsonGrammar.Colon, reader.RuleOf(PartsOf(parts, name))));
    }

    /// <summary>What may follow the described properties: as the first of the object, and after another.</summary>
    private (Node First, Node After) Others(List<string> names)
    {
        if (!IsOpen(parts))
        {
            return (Node.Empty, Node.Empty);
        }

        var value = reader.RuleOf(parts.Select(p => p.Child("additionalProperties")).OfType<SchemaPart>());
        var name = names.Count == 0 ? json.String : JsonGrammar.Quoted(OtherThan(names));
        var property = rules.Add(Node.Sequence(name, JsonGrammar.Colon, value));
        var after = Node.Repeat(Node.Sequence(JsonGrammar.Comma, property), 0, null);
        return (Node.Optional(Node.Sequence(property, after)), after);
    }

    /// <summary>Any name but these, without escapes: an escape would be a second way to write one of them.</summary>
    private RuleNode OtherThan(List<string> names)
    {
        var any = rules.Add(Node.Repeat(TextForm.Plain.Write(JsonGrammar.Unescaped), 0, null));
        var start = rules.Declare();
        var pending = new Queue<(int Rule, List<Rune[]> Names, int Depth)>();
        pending.Enqueue((start, names.ConvertAll(n => n.EnumerateRunes().ToArray()), 0));
        while (pending.TryDequeue(out var next))
        {
            var groups = next.Names.Where(n => n.Length > next.Depth).GroupBy(n => n[next.Depth]).ToList();
            var heads = CodePoints.Of([.. groups.Select(g => (g.Key.Value, g.Key.Value))]);
            var options = new List<Node> { Node.Sequence(TextForm.Plain.Write(JsonGrammar.Unescaped.Without(heads)), any) };
            if (next.Names.TrueForAll(n => n.Length > next.Depth))
            {
                options.Add(Node.Empty);
            }

            foreach (var group in groups.Where(g => JsonGrammar.Unescaped.Contains(g.Key.Value)))
            {
                work.Spend();
                var rule = rules.Declare();
                options.Add(Node.Sequence(Utf8.Write(CodePoints.Of(group.Key.Value)), new RuleNode(rule)));
                pending.Enqueue((rule, [.. group], next.Depth + 1));
            }

            rules.Define(next.Rule, Node.Choice([.. options]));
        }

        return new RuleNode(start);
    }
}
