using LlmPlatform.Inference.Contracts;
using LlmPlatform.SharedKernel;

namespace LlmPlatform.Inference.OpenAi;

/// <summary>Reads the <c>messages</c> of a chat.</summary>
internal static class ChatMessages
{
    private const int MostMessages = 10_000;
    private const int MostCalls = 128;
    private static readonly string[] Roles = ["system", "developer", "user", "assistant", "tool"];

    public static IReadOnlyList<ChatMessage> Read(JsonBody body)
    {
        var items = body.Objects("messages") ?? throw body.Missing("messages");
        return items.Count is > 0 and <= MostMessages
            ? [.. items.Select(ReadMessage)]
            : throw Refusal.BadParam("messages", $"messages holds 1 to {MostMessages} messages.");
    }

    private static ChatMessage ReadMessage(JsonBody item)
    {
        var role = item.RequiredText("role");
        if (!Roles.Contains(role))
        {
            throw Refusal.BadParam(item.At("role"), $"{item.At("role")} is one of: {string.Join(", ", Roles)}.");
        }

        var calls = ReadCalls(item, role);
        // OpenAI renamed "system" to "developer"; models know the old name.
        return new ChatMessage(role == "developer" ? "system" : role, ReadContent(item, mayBeMissing: calls.Count > 0))
        {
            Reasoning = item.Text("reasoning_content") ?? item.Text("reasoning"), // DeepSeek's and OpenRouter's names; OpenAI has none
            ToolCalls = calls,
            ToolCallId = role == "tool" ? item.RequiredText("tool_call_id") : null,
            Name = item.Text("name"),
        };
    }

    private static IReadOnlyList<ToolCall> ReadCalls(JsonBody item, string role)
    {
        var calls = item.Objects("tool_calls") ?? [];
        if (calls.Count > 0 && role != "assistant")
        {
            throw Refusal.BadParam(item.At("tool_calls"), "Only the assistant calls functions.");
        }

        return calls.Count <= MostCalls
            ? [.. calls.Select(ReadCall)]
            : throw Refusal.BadParam(item.At("tool_calls"), $"A message holds at most {MostCalls} calls.");
    }

    private static ToolCall ReadCall(JsonBody call)
    {
        if (call.Text("type") is not (null or "function"))
        {
            throw Refusal.BadParam(call.At("type"), "Only calls of functions are supported.", "param.unsupported");
        }

        var function = call.Object("function") ?? throw call.Missing("function");
        var arguments = function.Text("arguments") ?? "";
        return new ToolCall(call.RequiredText("id"), function.RequiredText("name"), arguments.Length == 0 ? "{}" : arguments);
    }

    private static string ReadContent(JsonBody item, bool mayBeMissing)
    {
        if (!item.Has("content"))
        {
            return mayBeMissing ? "" : throw item.Missing("content");
        }

        return item.IsText("content") ? item.Text("content")! : string.Concat(item.Objects("content")!.Select(ReadPart));
    }

    private static string ReadPart(JsonBody part) => part.RequiredText("type") switch
    {
        "text" => part.RequiredText("text"),
        var type => throw Refusal.BadParam(part.At("type"), $"This model reads text only; a part of type '{type}' cannot be taken.", "modality.unsupported"),
    };
}
