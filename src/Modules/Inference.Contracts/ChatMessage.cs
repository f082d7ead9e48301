namespace LlmPlatform.Inference.Contracts;

/// <summary>One message of a conversation.</summary>
/// <param name="Role"><c>system</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>.</param>
/// <param name="Content">Its text; empty beside tool calls.</param>
public sealed record ChatMessage(string Role, string Content)
{
    /// <summary>What the assistant thought before it answered, where it is still known.</summary>
    public string? Reasoning { get; init; }

    /// <summary>What the assistant asked to be called.</summary>
    public IReadOnlyList<ToolCall> ToolCalls { get; init; } = [];

    /// <summary>The call that a message of the role <c>tool</c> answers.</summary>
    public string? ToolCallId { get; init; }

    /// <summary>Who speaks, or the function whose result this is.</summary>
    public string? Name { get; init; }
}
