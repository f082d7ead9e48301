namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>Finds rules that come back to themselves before a byte is read: running them would never end.</summary>
internal static class LeftRecursion
{
    internal static void Refuse(Rules rules, Work work)
    {
        var isDone = new bool[rules.Count];
        var isOpen = new bool[rules.Count];
        var path = new Stack<(int Rule, Queue<int> Next)>();
        for (var start = 0; start < rules.Count; start++)
        {
            Enter(start);
            while (path.TryPeek(out var top))
            {
                if (top.Next.TryDequeue(out var rule))
                {
                    Enter(rule);
                    continue;
                }

                (isOpen[top.Rule], isDone[top.Rule]) = (false, true);
                path.Pop();
            }
        }

        void Enter(int rule)
        {
            if (isOpen[rule])
            {
                throw ConstraintErrors.Invalid("A rule refers to itself before it reads anything", rules.Name(rule));
            }

            if (!isDone[rule])
            {
                isOpen[rule] = true;
                var first = new Queue<int>();
                Collect(rules[rule], first);
                path.Push((rule, first));
            }
        }

        void Collect(Node node, Queue<int> first)
        {
            work.Spend();
            switch (node)
            {
                case RuleNode reference:
                    first.Enqueue(reference.Rule);
                    break;
                case RepeatNode repeat:
                    Collect(repeat.Body, first);
                    break;
                case ChoiceNode choice:
                    Array.ForEach(choice.Options, o => Collect(o, first));
                    break;
                case SequenceNode sequence:
                    foreach (var part in sequence.Parts)
                    {
                        Collect(part, first);
                        if (!rules.IsNullable(part))
                        {
                            break;
                        }
                    }

                    break;
                default:
                    break;
            }
        }
    }
}
