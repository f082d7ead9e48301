using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using NJsonSchema;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine.Constraints;

/// <summary>CONSTRAINT_SCHEMAS asks for more schemas than the short run of every build.</summary>
public sealed partial class RandomSchemaTests
{
    private const int Length = 400;

    private static readonly int Schemas = int.Parse(Environment.GetEnvironmentVariable("CONSTRAINT_SCHEMAS") ?? "200", CultureInfo.InvariantCulture);

    [Fact]
    public async Task Whatever_is_written_is_valid_under_its_schema()
    {
        var (whole, cut) = (0, 0);
        for (var seed = 0; seed < Schemas; seed++)
        {
            var text = new RandomSchema(seed).Next().ToJsonString();
            var schema = await JsonSchema.FromJsonAsync(text, TestContext.Current.CancellationToken);
            var constraint = Compiled.Schema(text);
            for (var turn = 0; turn < 3; turn++)
            {
                var (written, isWhole) = new RandomWriter(Compiled.Vocabulary, (seed * 3) + turn).Write(constraint, Length);
                if (isWhole)
                {
                    IsValid(schema, text, new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(written));
                }

                (whole, cut) = isWhole ? (whole + 1, cut) : (whole, cut + 1);
            }
        }

        Assert.True(whole > cut * 4, $"{whole} whole texts, {cut} cut");
    }

    // JSON Schema counts characters; the validator counts UTF-16 units, so characters of two become one.
    [GeneratedRegex(@"[\ud800-\udbff][\udc00-\udfff]|\\u[dD][89abAB]..\\u[dD][c-fC-F]..")]
    private static partial Regex TwoUnits();

    private static void IsValid(JsonSchema schema, string text, string written)
    {
        var errors = schema.Validate(TwoUnits().Replace(written, "þ"));
        Assert.True(errors.Count == 0, $"{string.Join(", ", errors)}\nschema {text}\nwritten {written}");
    }
}
