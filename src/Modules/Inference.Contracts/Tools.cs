namespace LlmPlatform.Inference.Contracts;

/// <summary>A function that a model may ask to be called.</summary>
/// <param name="Name">1 to 64 letters, digits, <c>_</c>, <c>-</c> and <c>.</c>.</param>
/// <param name="Description">What it does, for the model.</param>
/// <param name="Parameters">JSON Schema of its arguments; null for any object.</param>
public sealed record Tool(string Name, string? Description, string? Parameters)
{
    /// <summary>Also the arguments of a call that the model makes of itself match the schema; those of a call that it must make always do.</summary>
    public bool Strict { get; init; }
}

/// <summary>A call that a model asked for.</summary>
/// <param name="Id">Its id, by which the result refers to it.</param>
/// <param name="Name">The function.</param>
/// <param name="Arguments">Its arguments, a JSON object.</param>
public sealed record ToolCall(string Id, string Name, string Arguments);

/// <summary>Whether a model calls functions.</summary>
/// <param name="Mode">Whether it may, must or must not.</param>
/// <param name="Name">The one function that it must call; null for any.</param>
public sealed record ToolChoice(ToolChoiceMode Mode, string? Name = null)
{
    /// <summary>The model decides.</summary>
    public static readonly ToolChoice Auto = new(ToolChoiceMode.Auto);
}

/// <summary>Whether a model calls functions.</summary>
public enum ToolChoiceMode
{
    /// <summary>It decides.</summary>
    Auto,

    /// <summary>It never does; the functions are not shown to it.</summary>
    None,

    /// <summary>It calls at least one.</summary>
    Required,
}
