using System.Text.RegularExpressions;
using NJsonSchema;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine.Constraints;

/// <summary>Another program's opinion of what was written under a schema.</summary>
internal static partial class SchemaCheck
{
    internal static void IsValid(JsonSchema schema, string text, string written)
    {
        var errors = schema.Validate(TwoUnits().Replace(written, "þ"));
        Assert.True(errors.Count == 0, $"{string.Join(", ", errors)}\nschema {text}\nwritten {written}");
    }

    // JSON Schema counts characters; the validator counts UTF-16 units, so characters of two become one.
    [GeneratedRegex(@"[\ud800-\udbff][\udc00-\udfff]|\\u[dD][89abAB]..\\u[dD][c-fC-F]..")]
    private static partial Regex TwoUnits();
}
