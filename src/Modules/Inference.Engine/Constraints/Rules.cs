namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>The rules of one constraint, and what can be said of a node only when all rules are known.</summary>
internal sealed class Rules(Work work)
{
    private readonly List<Node> bodies = [];
    private readonly List<string?> names = [];
    private bool[] nullable = [];
    private bool[] productive = [];

    internal int Count => bodies.Count;

    internal Node this[int rule] => bodies[rule];

    internal string Name(int rule) => names[rule] is { } name ? $"rule {name}" : $"rule number {rule}";

    internal int Declare(string? name = null)
    {
        work.Spend();
        bodies.Add(Node.Never);
        names.Add(name);
        return bodies.Count - 1;
    }

    internal void Define(int rule, Node body) => bodies[rule] = body;

    internal RuleNode Add(Node body)
    {
        var rule = Declare();
        Define(rule, body);
        return new RuleNode(rule);
    }

    /// <summary>Must run before the questions below are asked; refuses rules that would never read a byte.</summary>
    internal void Analyse()
    {
        nullable = Settle((node, known) => IsNullable(node, known));
        productive = Settle((node, known) => IsProductive(node, known));
        LeftRecursion.Refuse(this, work);
    }

    /// <summary>A rule made while the automaton is built: nobody asks whether it is nullable before it is known that it is not.</summary>
    internal RuleNode AddNonEmpty()
    {
        var rule = Declare();
        Array.Resize(ref nullable, Count);
        Array.Resize(ref productive, Count);
        productive[rule] = true;
        return new RuleNode(rule);
    }

    internal bool IsNullable(Node node) => IsNullable(node, nullable);

    internal bool IsProductive(Node node) => IsProductive(node, productive);

    private bool[] Settle(Func<Node, bool[], bool> holds)
    {
        var known = new bool[Count];
        for (var (changed, forward) = (true, false); changed; forward = !forward)
        {
            changed = false;
            for (var i = 0; i < known.Length; i++)
            {
                var rule = forward ? i : known.Length - 1 - i;
                if (!known[rule] && holds(bodies[rule], known))
                {
                    known[rule] = changed = true;
                }
            }
        }

        return known;
    }

    private bool IsNullable(Node node, bool[] known)
    {
        if (node.IsNullable is { } answer)
        {
            return answer;
        }

        work.Spend();
        return node switch
        {
            SequenceNode sequence => Array.TrueForAll(sequence.Parts, p => IsNullable(p, known)),
            ChoiceNode choice => Array.Exists(choice.Options, o => IsNullable(o, known)),
            RepeatNode repeat => IsNullable(repeat.Body, known),
            RuleNode reference => known[reference.Rule],
            _ => false,
        };
    }

    private bool IsProductive(Node node, bool[] known)
    {
        if (node.IsProductive is { } answer)
        {
            return answer;
        }

        work.Spend();
        return node switch
        {
            SequenceNode sequence => Array.TrueForAll(sequence.Parts, p => IsProductive(p, known)),
            ChoiceNode choice => Array.Exists(choice.Options, o => IsProductive(o, known)),
            RepeatNode repeat => IsProductive(repeat.Body, known),
            RuleNode reference => known[reference.Rule],
            _ => true,
        };
    }
}
