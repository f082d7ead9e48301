using System.Globalization;
using System.Text;
using NJsonSchema;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine.Constraints;

/// <summary>CONSTRAINT_SCHEMAS asks for more schemas than the short run of every build.</summary>
public sealed class RandomSchemaTests
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
                    SchemaCheck.IsValid(schema, text, new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(written));
                }

                (whole, cut) = isWhole ? (whole + 1, cut) : (whole, cut + 1);
            }
        }

        Assert.True(whole > cut * 4, $"{whole} whole texts, {cut} cut");
    }
}
