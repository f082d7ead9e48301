using System.Text.Json;
using LlmPlatform.Chat.Conversations;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Chat.Transfer;

/// <summary>
/// Reads a conversation of ChatGPT's <c>conversations.json</c>: a <c>mapping</c> of nodes, each with a parent and perhaps a message. What users and the
/// model said in text is kept; nodes without it (roots, hidden instructions, calls of tools and what came of them, pictures) are stepped over, and what
/// followed them answers what came before.
/// </summary>
internal static class ChatGptExport
{
    public const string Source = "chatgpt";
    private const string UnknownModel = "unknown";

    public static bool Is(JsonElement element) => element.TryGetProperty("mapping", out var mapping) && mapping.ValueKind == JsonValueKind.Object;

    /// <exception cref="Refusal"><c>import.…</c></exception>
    public static ConversationFile Read(JsonElement element, DateTimeOffset now)
    {
        var started = Time(element, "create_time") ?? now;
        var nodes = element.GetProperty("mapping").EnumerateObject().ToDictionary(node => node.Name, node => node.Value, StringComparer.Ordinal);
        var messages = new Dictionary<string, MessageFile>(StringComparer.Ordinal);
        foreach (var (id, node) in nodes)
        {
            if (Message(id, node, started) is { } message)
            {
                messages.Add(id, message);
            }
        }

        return new ConversationFile
        {
            Id = Text(element, "conversation_id") ?? Text(element, "id") ?? throw new Refusal(new Error(422, "import.id_invalid", "The conversation has no id.")),
            Title = Text(element, "title"),
            Model = Text(element, "default_model_slug") ?? messages.Values.LastOrDefault(message => message.Model is not null)?.Model ?? UnknownModel,
            IsArchived = element.TryGetProperty("is_archived", out var archived) && archived.ValueKind == JsonValueKind.True,
            ActiveLeaf = Kept(Text(element, "current_node")),
            StartedAt = started,
            Messages = [.. messages.Values.Select(message => message with { ParentId = Kept(Text(nodes[message.Id], "parent")) }).OrderBy(message => message.At)],
        };

        string? Kept(string? id)
        {
            for (var steps = 0; id is not null && !messages.ContainsKey(id); steps++)
            {
                if (steps > nodes.Count)
                {
                    throw new Refusal(new Error(422, "import.parents_cyclic", "Messages answer each other in a circle."));
                }

                id = nodes.TryGetValue(id, out var node) ? Text(node, "parent") : throw new Refusal(new Error(422, "import.parent_unknown", "A message answers one that is not there."));
            }

            return id;
        }
    }

    private static MessageFile? Message(string id, JsonElement node, DateTimeOffset started)
    {
        if (Object(node, "message") is not { } message
            || Text(Object(message, "author"), "role") is not (MessageRoles.User or MessageRoles.Assistant)
            || (Text(message, "recipient") ?? "all") != "all"
            || Said(message) is not { Length: > 0 } text)
        {
            return null;
        }

        return new MessageFile
        {
            Id = id,
            Role = Text(Object(message, "author"), "role")!,
            Model = Text(Object(message, "metadata"), "model_slug"),
            Parts = [new PartFile { Kind = PartKind.Text, Text = text }],
            At = Time(message, "create_time") ?? started,
        };
    }

    private static string? Said(JsonElement message) => Object(message, "content") is { } content && Text(content, "content_type") is "text" or "multimodal_text"
        && Object(message, "content") is { } told && told.TryGetProperty("parts", out var parts) && parts.ValueKind == JsonValueKind.Array
            ? string.Join('\n', parts.EnumerateArray().Where(part => part.ValueKind == JsonValueKind.String).Select(part => part.GetString()).Where(part => part is { Length: > 0 }))
            : null;

    private static JsonElement? Object(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object ? value : null;

    private static string? Text(JsonElement? element, string name) =>
        element is { ValueKind: JsonValueKind.Object } given && given.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    // Seconds since 1970, with fractions; the platform keeps milliseconds.
    private static DateTimeOffset? Time(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.GetDouble() is > 0 and < 100_000_000_000 and var seconds
            ? DateTimeOffset.FromUnixTimeMilliseconds((long)(seconds * 1000))
            : null;
}
