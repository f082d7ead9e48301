using System.Collections.Immutable;

namespace LlmPlatform.Inference.Engine.Constraints;

/// <summary>The keywords of JSON Schema that are honoured, and those that say nothing about validity. All others are refused.</summary>
internal static class SchemaKeywords
{
    internal static readonly ImmutableArray<string> Numbers = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];

    internal static readonly ImmutableArray<string> Strings = ["minLength", "maxLength", "pattern", "format"];

    internal static readonly ImmutableArray<string> Arrays = ["items", "prefixItems", "minItems", "maxItems"];

    internal static readonly ImmutableArray<string> Objects = ["properties", "required", "additionalProperties"];

    private static readonly string[] others = ["type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "nullable"];

    private static readonly string[] annotations =
    [
        "title", "description", "default", "examples", "$schema", "$id", "$comment", "deprecated", "readOnly", "writeOnly", "$defs", "definitions",
    ];

    internal static bool IsAnnotation(string keyword) => annotations.Contains(keyword);

    internal static bool IsKnown(string keyword) =>
        IsAnnotation(keyword) || others.Contains(keyword) || Numbers.Contains(keyword) || Strings.Contains(keyword) || Arrays.Contains(keyword)
        || Objects.Contains(keyword);
}

[Flags]
internal enum JsonTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Integer = 4,
    Fraction = 8,
    String = 16,
    Array = 32,
    Object = 64,
    Number = Integer | Fraction,
    All = 127,
}
