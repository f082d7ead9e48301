namespace LlmPlatform.Inference.Contracts;

/// <summary>What the text of an answer has to be. The engine lets the model choose only tokens that keep it so.</summary>
public abstract record OutputFormat
{
    /// <summary>Any JSON object.</summary>
    public sealed record JsonObject : OutputFormat;

    /// <summary>A JSON value that a schema describes. Objects are closed unless the schema opens them.</summary>
    /// <param name="Schema">JSON Schema, as text.</param>
    public sealed record JsonSchema(string Schema) : OutputFormat;

    /// <summary>A text that a regular expression matches from its beginning to its end.</summary>
    /// <param name="Pattern">The expression.</param>
    public sealed record Regex(string Pattern) : OutputFormat;

    /// <summary>One of some texts.</summary>
    /// <param name="Texts">The texts.</param>
    public sealed record Choice(IReadOnlyList<string> Texts) : OutputFormat;

    /// <summary>A text of a grammar in llama.cpp's GBNF.</summary>
    /// <param name="Text">The grammar; it begins with the rule <c>root</c>.</param>
    public sealed record Grammar(string Text) : OutputFormat;
}
