using LlmPlatform.SharedKernel;

namespace LlmPlatform.Chat.Transfer;

/// <summary>Brings messages of a file into an order in which each comes after the one that it answers. Those that are in such an order stay in it.</summary>
internal static class MessageTree
{
    private const int Deepest = 5000;

    /// <exception cref="Refusal"><c>import.id_repeated</c>, <c>import.parent_unknown</c>, <c>import.parents_cyclic</c>, <c>import.too_deep</c></exception>
    public static IReadOnlyList<MessageFile> Ordered(IReadOnlyList<MessageFile> messages)
    {
        var ids = new HashSet<string>(StringComparer.Ordinal);
        if (messages.FirstOrDefault(message => !ids.Add(message.Id)) is not null)
        {
            throw Bad("import.id_repeated", "Two messages have one id.");
        }

        if (messages.Any(message => message.ParentId is { } parent && !ids.Contains(parent)))
        {
            throw Bad("import.parent_unknown", "A message answers one that is not there.");
        }

        var depths = new Dictionary<string, int>(StringComparer.Ordinal);
        var waiting = new Dictionary<string, List<MessageFile>>(StringComparer.Ordinal);
        var ordered = new List<MessageFile>(messages.Count);
        foreach (var message in messages)
        {
            if (message.ParentId is { } parent && !depths.ContainsKey(parent))
            {
                if (!waiting.TryGetValue(parent, out var children))
                {
                    waiting[parent] = children = [];
                }

                children.Add(message);
            }
            else
            {
                Place(message, depths, waiting, ordered);
            }
        }

        return ordered.Count == messages.Count ? ordered : throw Bad("import.parents_cyclic", "Messages answer each other in a circle.");
    }

    private static void Place(MessageFile first, Dictionary<string, int> depths, Dictionary<string, List<MessageFile>> waiting, List<MessageFile> ordered)
    {
        var ready = new Queue<MessageFile>([first]);
        while (ready.TryDequeue(out var message))
        {
            var depth = message.ParentId is { } parent ? depths[parent] + 1 : 1;
            if (depth > Deepest)
            {
                throw Bad("import.too_deep", $"A branch has at most {Deepest} messages.");
            }

            depths[message.Id] = depth;
            ordered.Add(message);
            foreach (var child in waiting.Remove(message.Id, out var children) ? children : [])
            {
                ready.Enqueue(child);
            }
        }
    }

    private static Refusal Bad(string code, string sentence) => new(new Error(422, code, sentence));
}
