using System.Collections.Immutable;
using System.Text.Json;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>
/// Reads JSON Schema. Every list of schemas that must hold at one place becomes a rule of its own, so recursion in the schema is recursion
/// in the rules. What is written is valid under the schema; not all that is valid can be written.
/// </summary>
internal sealed class SchemaReader
{
    private readonly JsonGrammar json;
    private readonly Rules rules;
    private readonly Work work;
    private readonly SchemaExpander expander;
    private readonly Dictionary<string, RuleNode> known = new(StringComparer.Ordinal);
    private readonly Queue<(int Rule, List<SchemaPart> Parts)> pending = new();

    private SchemaReader(JsonElement root, Rules rules, JsonGrammar json, Work work) =>
        (this.rules, this.json, this.work, expander) = (rules, json, work, new SchemaExpander(root, work));

    internal static Node Read(string text, Rules rules, JsonGrammar json, Work work)
    {
        using var document = SchemaDocument.Parse(text);
        var reader = new SchemaReader(document.RootElement, rules, json, work);
        return reader.ReadAll(new SchemaPart(document.RootElement, "#"));
    }

    /// <summary>The rule for values that are valid under all parts.</summary>
    internal RuleNode RuleOf(IEnumerable<SchemaPart> parts)
    {
        var followed = parts.Select(expander.Follow).DistinctBy(p => p.Pointer).Where(p => p.Element.ValueKind != JsonValueKind.True).ToList();
        var key = string.Join('\n', followed.Select(p => p.Pointer).Order(StringComparer.Ordinal));
        work.Spend(1 + (key.Length / 16));
        if (followed.Count == 0)
        {
            return json.Value;
        }

        if (!known.TryGetValue(key, out var rule))
        {
            rule = new RuleNode(rules.Declare(followed[0].Pointer));
            known.Add(key, rule);
            pending.Enqueue((rule.Rule, followed));
        }

        return rule;
    }

    private RuleNode ReadAll(SchemaPart root)
    {
        try
        {
            var start = RuleOf([root]);
            while (pending.TryDequeue(out var next))
            {
                rules.Define(next.Rule, Node.Choice([.. expander.Expand(next.Parts).Select(ReadAlternative)]));
            }

            return start;
        }
        catch (InvalidOperationException)
        {
            throw ConstraintErrors.Invalid("A text of the schema holds half a character", "#");
        }
    }

    private Node ReadAlternative(List<SchemaPart> parts)
    {
        var types = SchemaTypes.Declared(parts);
        if (SchemaValues.Of(parts, work) is { } values)
        {
            return ReadValues(parts, values.FindAll(v => (SchemaTypes.Of(v) & types) != 0));
        }

        types = types == JsonTypes.All ? Meant(parts) : types;
        if (types == JsonTypes.All)
        {
            return json.Value;
        }

        var options = new List<Node>();
        Add(JsonTypes.Null, () => JsonGrammar.Null);
        Add(JsonTypes.Boolean, () => JsonGrammar.Boolean);
        Add(JsonTypes.Integer, () => SchemaNumbers.Read(parts, types));
        Add(JsonTypes.String, () => SchemaStrings.Read(parts, json, work));
        Add(JsonTypes.Array, () => SchemaArrays.Read(parts, this));
        Add(JsonTypes.Object, () => new SchemaObjects(parts, this, rules, json, work).Read());
        return Node.Choice([.. options]);

        void Add(JsonTypes type, Func<Node> read)
        {
            if ((types & type) != 0)
            {
                options.Add(read());
            }
        }
    }

    // A schema without a type that speaks of properties means objects.
    private static JsonTypes Meant(List<SchemaPart> parts)
    {
        var types = JsonTypes.None;
        types |= HasAny(parts, SchemaKeywords.Numbers) ? JsonTypes.Number : 0;
        types |= HasAny(parts, SchemaKeywords.Strings) ? JsonTypes.String : 0;
        types |= HasAny(parts, SchemaKeywords.Arrays) ? JsonTypes.Array : 0;
        types |= HasAny(parts, SchemaKeywords.Objects) ? JsonTypes.Object : 0;
        return types == JsonTypes.None ? JsonTypes.All : types;
    }

    private static bool HasAny(List<SchemaPart> parts, ImmutableArray<string> keywords) => keywords.Any(k => parts.Exists(p => p.Has(k)));

    private Node ReadValues(List<SchemaPart> parts, List<JsonElement> values)
    {
        string[] keywords = [.. SchemaKeywords.Numbers, .. SchemaKeywords.Strings, .. SchemaKeywords.Arrays, .. SchemaKeywords.Objects];
        foreach (var part in parts)
        {
            if (Array.Find(keywords, part.Has) is { } keyword)
            {
                throw ConstraintErrors.Unsupported($"{keyword} beside enum or const", part.Pointer);
            }
        }

        return values.Count == 0 ? Node.Never : Literals.OneOf(values.Select(SchemaDocument.Write), work);
    }
}
