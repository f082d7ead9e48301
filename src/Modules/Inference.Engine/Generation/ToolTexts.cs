using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.Inference.Engine.Templates;

namespace LlmPlatform.Inference.Engine.Generation;

/// <summary>Functions as texts: for templates that show them, and in plain words for those that do not.</summary>
internal static class ToolTexts
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The array that templates know, as OpenAI's API has it.</summary>
    internal static string ToJson(IEnumerable<Tool> tools) => new JsonArray([.. tools.Select(Describe)]).ToJsonString(Plain);

    /// <summary>
    /// Tells a model about functions whose template has no place for them: in the system prompt, with calls and results of earlier turns as texts
    /// of assistant and user, all in the form that most models with calls know.
    /// </summary>
    internal static IEnumerable<ChatTurn> Explain(IEnumerable<ChatTurn> turns, IEnumerable<Tool> tools)
    {
        var plain = turns.Select(Flatten).ToList();
        var system = plain.FirstOrDefault(turn => turn.Role == "system");
        var text = Instructions(tools);
        return system is null
            ? plain.Prepend(new ChatTurn("system", text, null, [], null, null))
            : plain.Select(turn => ReferenceEquals(turn, system) ? turn with { Content = $"{turn.Content}\n\n{text}" } : turn);
    }

    private static string Instructions(IEnumerable<Tool> tools)
    {
        var text = new StringBuilder("You can call these functions, one JSON description a line:\n");
        foreach (var tool in tools)
        {
            text.Append(Describe(tool)!.ToJsonString(Plain)).Append('\n');
        }

        return text.Append("To call one, write: <tool_call>\n{\"name\": its name, \"arguments\": {its arguments}}\n</tool_call>").ToString();
    }

    private static ChatTurn Flatten(ChatTurn turn)
    {
        if (turn.Role == "tool")
        {
            return new ChatTurn("user", $"<tool_response>\n{turn.Content}\n</tool_response>", null, [], null, null);
        }

        var calls = turn.ToolCalls.Select(call => $"<tool_call>\n{{\"name\": {JsonSerializer.Serialize(call.Name, Plain)}, \"arguments\": {call.Arguments}}}\n</tool_call>");
        return turn.ToolCalls.Count == 0
            ? turn
            : turn with { Content = string.Join('\n', calls.Prepend(turn.Content).Where(part => part.Length > 0)), ToolCalls = [] };
    }

    private static JsonNode? Describe(Tool tool)
    {
        var function = new JsonObject { ["name"] = tool.Name };
        if (tool.HasDescription)
        {
            function["description"] = tool.Description;
        }

        function["parameters"] = tool.HasParameters ? JsonNode.Parse(tool.Parameters) : new JsonObject { ["type"] = "object", ["properties"] = new JsonObject() };
        return new JsonObject { ["type"] = "function", ["function"] = function };
    }
}
