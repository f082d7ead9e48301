namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>
/// The node that matches what another matches, without the empty text. Repeats are built on it, so each round reads a byte and no loop
/// can turn without reading.
/// </summary>
internal sealed class NonEmpty(Rules rules, Work work)
{
    private readonly Dictionary<int, RuleNode> known = [];
    private readonly Dictionary<int, int> origins = [];

    /// <summary>The body of a rule; that of a rule made here is made when it is asked for, so rules do not nest on our stack.</summary>
    internal Node Body(int rule) => origins.TryGetValue(rule, out var origin) ? Of(rules[origin]) : rules[rule];

    internal Node Of(Node node)
    {
        work.Spend();
        return node switch
        {
            _ when !rules.IsNullable(node) => node,
            ChoiceNode choice => Node.Choice([.. choice.Options.Select(Of)]),
            SequenceNode sequence => Of(sequence.Parts),
            RepeatNode repeat => Of(repeat),
            RuleNode reference => Of(reference),
            _ => node,
        };
    }

    /// <summary>One option for each part that may be the first to read something; what stands before it is empty then.</summary>
    private Node Of(Node[] parts)
    {
        work.Spend((long)parts.Length * parts.Length);
        return Node.Choice([.. parts.Select((part, i) => Node.Sequence([Of(part), .. parts[(i + 1)..]]))]);
    }

    private Node Of(RepeatNode repeat) =>
        rules.IsProductive(repeat.Body) ? Node.Repeat(Of(repeat.Body), Math.Max(1, rules.IsNullable(repeat.Body) ? 1 : repeat.Min), repeat.Max) : Node.Never;

    private RuleNode Of(RuleNode reference)
    {
        if (!known.TryGetValue(reference.Rule, out var rule))
        {
            rule = rules.AddNonEmpty();
            known.Add(reference.Rule, rule);
            origins.Add(rule.Rule, reference.Rule);
        }

        return rule;
    }
}
