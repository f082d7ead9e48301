namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>What the output must look like. Sources nest, so a forced tool call is literal text around a schema.</summary>
internal abstract record ConstraintSource
{
    private ConstraintSource()
    {
    }

    /// <summary>One JSON object of any shape.</summary>
    internal sealed record AnyJsonObject : ConstraintSource;

    /// <summary>One JSON value that is valid under the schema.</summary>
    internal sealed record JsonSchema(string Text) : ConstraintSource;

    /// <summary>The whole text matches the pattern, anchored or not.</summary>
    internal sealed record Regex(string Pattern) : ConstraintSource;

    /// <summary>Exactly one of the texts.</summary>
    internal sealed record Choice(IReadOnlyList<string> Texts) : ConstraintSource;

    /// <summary>A GBNF grammar that starts with its rule "root".</summary>
    internal sealed record Grammar(string Text) : ConstraintSource;

    internal sealed record Literal(string Text) : ConstraintSource;

    /// <summary>The control token that is written so, and nothing else; its bytes where the vocabulary has no such token.</summary>
    internal sealed record Marker(string Text) : ConstraintSource;

    /// <summary>Any UTF-8 text up to and including the first occurrence of the end, a marker.</summary>
    internal sealed record TextUntil(string End) : ConstraintSource;

    /// <summary>Any UTF-8 text in which the marker does not occur, also none.</summary>
    internal sealed record TextWithout(string Text) : ConstraintSource;

    /// <summary>Any UTF-8 text, also none.</summary>
    internal sealed record AnyText : ConstraintSource;

    internal sealed record Sequence(IReadOnlyList<ConstraintSource> Parts) : ConstraintSource;

    internal sealed record OneOf(IReadOnlyList<ConstraintSource> Options) : ConstraintSource;

    /// <summary>The part, from Min to Max times, with the separator between two of them. No Max: without end.</summary>
    internal sealed record Repeat(ConstraintSource Part, ConstraintSource? Separator, int Min, int? Max) : ConstraintSource;
}
