namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>
/// Builds states from the end to the start: each node is given the state that comes after it. A call whose next state pops needs no
/// frame, so rules that end in themselves run on a flat stack.
/// </summary>
internal sealed class AutomatonBuilder
{
    private const int Pop = 0;

    // A repeat of one byte is written out up to here; more would be states, a counter is a frame.
    private const int WrittenOut = 16;

    private readonly Rules rules;
    private readonly NonEmpty nonEmpty;
    private readonly List<State> states = [new State(StateKind.Pop, 0, 0, -1)];
    private readonly List<int> targets = [];
    private readonly Dictionary<ByteSet, int> sets = [];
    private readonly List<int> ruleStarts = [];
    private readonly List<CountedRepeat> repeats = [];
    private int repeat = -1;

    private AutomatonBuilder(Rules rules, Work work)
    {
        this.rules = rules;
        nonEmpty = new NonEmpty(rules, work);
    }

    /// <summary>Rule 0 is the whole text.</summary>
    internal static Automaton Build(Rules rules, Work work)
    {
        rules.Analyse();
        if (!rules.IsProductive(new RuleNode(0)))
        {
            throw ConstraintErrors.Invalid("No finite text can match the constraint", "the whole constraint");
        }

        return new AutomatonBuilder(rules, work).BuildRules();
    }

    private Automaton BuildRules()
    {
        for (var rule = 0; rule < rules.Count; rule++)
        {
            ruleStarts.Add(rules.IsProductive(new RuleNode(rule)) ? Build(nonEmpty.Body(rule), Pop) : Pop);
        }

        var byteSets = sets.OrderBy(s => s.Value).Select(s => s.Key).ToArray();
        var (classes, members) = ByteClasses.Of(byteSets);
        return new Automaton
        {
            States = [.. states],
            Targets = [.. targets],
            Sets = byteSets,
            RuleStarts = [.. ruleStarts],
            Repeats = [.. repeats],
            Classes = classes,
            ClassMembers = members,
        };
    }

    private int Build(Node node, int next) => node switch
    {
        BytesNode bytes => Add(StateKind.Bytes, SetOf(bytes.Set), next),
        TokenNode token => Add(StateKind.Token, token.Token, next),
        RuleNode rule => Add(StateKind.Call, rule.Rule, next),
        SequenceNode sequence => BuildSequence(sequence.Parts, next),
        ChoiceNode choice => BuildChoice(choice.Options, next),
        RepeatNode counted => BuildRepeat(counted, next),
        _ => throw new InvalidOperationException("A node of no known kind."),
    };

    private int BuildSequence(Node[] parts, int next)
    {
        for (var i = parts.Length - 1; i >= 0; i--)
        {
            next = Build(parts[i], next);
        }

        return next;
    }

    private int BuildChoice(Node[] options, int next)
    {
        var starts = new List<int>();
        foreach (var option in options)
        {
            if (rules.IsProductive(option))
            {
                starts.Add(Build(option, next));
            }
        }

        return starts.Count == 1 ? starts[0] : Split(starts);
    }

    private int BuildRepeat(RepeatNode node, int next)
    {
        if (node.Max == 0 || !rules.IsProductive(node.Body))
        {
            return next;
        }

        var isNullable = rules.IsNullable(node.Body);
        var body = isNullable ? nonEmpty.Of(node.Body) : node.Body;
        var min = isNullable ? 0 : node.Min;
        return (min, node.Max) switch
        {
            (0, 1) => Split([Build(body, next), next]),
            (1, 1) => Build(body, next),
            (0, null) => Loop(body, next, isOptional: true),
            (1, null) => Loop(body, next, isOptional: false),
            (_, { } max) when body is BytesNode && max <= WrittenOut => WriteOut(body, min, max, next),
            (0, _) => Split([Counted(body, 1, node.Max, next), next]),
            _ => Counted(body, min, node.Max, next),
        };
    }

    private int Loop(Node body, int next, bool isOptional)
    {
        var loop = Add(StateKind.Split, 0, 0);
        var start = Build(body, loop);
        var again = Split([start, next]);
        states[loop] = states[again];
        return isOptional ? loop : start;
    }

    private int WriteOut(Node body, int min, int max, int next)
    {
        var after = next;
        for (var round = max; round > 0; round--)
        {
            var start = Build(body, after);
            after = round > min ? Split([start, next]) : start;
        }

        return after;
    }

    private int Counted(Node body, int min, int? max, int next)
    {
        var outer = repeat;
        repeat = repeats.Count;
        var id = repeat;
        repeats.Add(default);
        repeats[id] = new CountedRepeat(Build(body, Add(StateKind.Round, id, 0)), min, max);
        repeat = outer;
        return Add(StateKind.Count, id, next);
    }

    private int SetOf(ByteSet set)
    {
        if (!sets.TryGetValue(set, out var index))
        {
            index = sets.Count;
            sets.Add(set, index);
        }

        return index;
    }

    private int Split(List<int> starts)
    {
        var first = targets.Count;
        targets.AddRange(starts);
        return Add(StateKind.Split, first, starts.Count);
    }

    private int Add(StateKind kind, int a, int b)
    {
        if (states.Count + targets.Count >= ConstraintLimits.States)
        {
            throw ConstraintErrors.TooLarge($"The constraint needs more than {ConstraintLimits.States} states", "the whole constraint");
        }

        states.Add(new State(kind, a, b, repeat));
        return states.Count - 1;
    }
}
