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
        nullable = Settle(static node => node.IsNullable);
        productive = Settle(static node => node.IsProductive);
        LeftRecursion.Refuse(this, work);
    }

    /// <summary>A rule made while the automaton is built: nobody asks whether it is nullable before it is known that it is not.</summary>
    internal RuleNode AddNonEmpty()
    {
        var rule = Declare();
        if (Count > nullable.Length)
        {
            Array.Resize(ref nullable, Count * 2);
            Array.Resize(ref productive, Count * 2);
        }

        productive[rule] = true;
        return new RuleNode(rule);
    }

    internal bool IsNullable(Node node) => Holds(node, nullable, static n => n.IsNullable);

    internal bool IsProductive(Node node) => Holds(node, productive, static n => n.IsProductive);

    private bool[] Settle(Func<Node, bool?> own)
    {
        var known = new bool[Count];
        for (var (changed, forward) = (true, false); changed; forward = !forward)
        {
            changed = false;
            for (var i = 0; i < known.Length; i++)
            {
                var rule = forward ? i : known.Length - 1 - i;
                if (!known[rule] && Holds(bodies[rule], known, own))
                {
                    known[rule] = changed = true;
                }
            }
        }

        return known;
    }

    // What the node says of itself, else what its parts and the rules say.
    private bool Holds(Node node, bool[] known, Func<Node, bool?> own)
    {
        if (own(node) is { } answer)
        {
            return answer;
        }

        work.Spend();
        switch (node)
        {
            case RuleNode reference:
                return known[reference.Rule];
            case RepeatNode repeat:
                return Holds(repeat.Body, known, own);
            case SequenceNode sequence:
                foreach (var part in sequence.Parts)
                {
                    if (!Holds(part, known, own))
                    {
                        return false;
                    }
                }

                return true;
            case ChoiceNode choice:
                foreach (var option in choice.Options)
                {
                    if (Holds(option, known, own))
                    {
                        return true;
                    }
                }

                return false;
            default:
                throw new InvalidOperationException("A node without rules knows the answer itself.");
        }
    }
}
