extern alias engine;

using engine::LlmPlatform.Inference.Engine.Constraints;
using engine::LlmPlatform.Inference.Engine.Generation;
using Xunit;
using static engine::LlmPlatform.Inference.Engine.Constraints.ConstraintSource;

namespace LlmPlatform.ModuleTests.Engine.Constraints;

/// <summary>Constraints that are small to send and large to run. Work is counted, so what is not refused stays within its steps.</summary>
public sealed class HostileConstraintTests
{
    public static TheoryData<string, string> TooLarge => new()
    {
        { "parentheses", new string('(', 10_000) },
        { "a long pattern", new string('a', 20_000) },
        { "classes of many characters", Times("\\W", 8_000) },
    };

    public static TheoryData<string, string> TooLargeSchemas => new()
    {
        { "deep", Times("{\"items\":", 3000) + "{}" + new string('}', 3000) },
        { "alternatives of alternatives", $$"""{"allOf":[{{Join(20, _ => """{"anyOf":[{"required":["a"]},{"required":["b"]},{}]}""")}}]}""" },
        { "many first items", $$"""{"type":"array","prefixItems":[{{Join(3000, _ => """{"type":"string"}""")}}]}""" },
        { "long", $$"""{"enum":["{{new string('a', 300_000)}}"]}""" },
        { "a count beyond counting", """{"type":"string","maxLength":1000000000}""" },
        { "a bound beyond counting", """{"type":"number","maximum":1e300}""" },
    };

    public static TheoryData<string, string> Runnable => new()
    {
        { "stars of stars", "root ::= " + Times("(", 60) + "\"a\"" + Times(")*", 60) },
        { "counts of counts", "root ::= (((\"a\"{0,1000}){0,1000}){0,1000}){0,1000}" },
        { "counts of nothing much", "root ::= " + Times("(", 60) + "\"a\"? \"b\"?" + Times("){0,9}", 60) },
        { "one wide count", "root ::= [ab]{1000000}" },
        { "counts side by side", "root ::= " + Times("(\"a\"{0,1000}) ", 50) },
        { "more empty parts than their square can be counted", "root ::= (" + Times("x ", 50_000) + ")*\nx ::= \"a\"?" },
        { "empty parts whose square is nothing in 32 bits", "root ::= (" + Times("x ", 65_536) + ")*\nx ::= \"a\"?" },
        { "options before counts", "root ::= " + Times("\"a\"? ", 2000) + "\"a\"{2000}" },
        { "the same option often", "root ::= (" + string.Join('|', Enumerable.Repeat("\"a\"", 2000)) + "){100}" },
        { "empty rules in a circle of repeats", "root ::= (a b)* \"x\"\na ::= \"\" | b\nb ::= \"\" | \"a\"" },
        { "a doubling tower", "root ::= r0\n" + Join(60, i => $"r{i} ::= r{i + 1} r{i + 1}\n", "") + "r60 ::= \"a\" | \"aa\"" },
        { "more ways than can be counted", "root ::= \"a\" root root | \"a\"" },
        { "a long chain of rules", "root ::= r0\n" + Join(9000, i => $"r{i} ::= r{i + 1} | \"a\"\n", "") + "r9000 ::= \"a\"" },
        { "a long chain of empty rules", "root ::= r0*\n" + Join(9000, i => $"r{i} ::= r{i + 1} \"a\"? | \"\"\n", "") + "r9000 ::= \"a\"?" },
        { "a chain that closes", "root ::= r0\n" + Join(9000, i => $"r{i} ::= r{i + 1}\n", "") + "r9000 ::= root" },
    };

    [Theory]
    [MemberData(nameof(TooLarge))]
    public void A_pattern_that_is_too_much_is_refused(string name, string pattern)
    {
        Assert.NotEmpty(name);
        Compiled.IsRefused(new ConstraintSource.Regex(pattern), "constraint.too_large", "(at ");
    }

    [Theory]
    [MemberData(nameof(TooLargeSchemas))]
    public void A_schema_that_is_too_much_is_refused(string name, string schema)
    {
        Assert.NotEmpty(name);
        Compiled.IsRefused(new JsonSchema(schema), "constraint.too_large", "(at ");
    }

    [Theory]
    [MemberData(nameof(Runnable))]
    public void A_grammar_runs_or_says_that_it_is_too_much(string name, string grammar)
    {
        Assert.NotEmpty(name);
        ConstraintState state;
        try
        {
            state = Compiled.Of(new Grammar(grammar)).Start();
        }
        catch (RequestRefusedException refusal)
        {
            Assert.Contains(refusal.Code, (string[])["constraint.too_large", "constraint.invalid"]);
            return;
        }

        var logits = new float[Compiled.Vocabulary.Size];
        for (var step = 0; step < 100 && !state.IsStuck && !state.MustEnd; step++)
        {
            Array.Clear(logits);
            state.Mask(logits);
            Assert.True(state.IsStuck || logits['a'] == 0);
            Assert.True(state.TryAccept('a') || state.IsStuck);
        }

        Assert.Equal(state.IsStuck ? "constraint.too_large" : null, state.Refusal?.Code);
    }

    [Fact]
    public void A_marker_that_begins_again_at_each_byte_is_refused() =>
        Compiled.IsRefused(new TextUntil(new string('a', 20_000)), "constraint.too_large", "steps");

    [Fact]
    public void Many_options_are_told_apart_by_a_property()
    {
        var options = Join(200, i => $$$"""{"type":"object","properties":{"kind":{"const":"v{{{i}}}"}},"required":["kind"]}""");
        var constraint = Compiled.Schema($$"""{"oneOf":[{{options}}]}""");
        Assert.True(constraint.Takes("""{"kind":"v199"}"""));
        Assert.False(constraint.Takes("""{"kind":"v200"}"""));
    }

    [Fact]
    public void Many_values_and_many_texts_are_read()
    {
        Assert.True(Compiled.Schema($$"""{"enum":[{{Join(20_000, i => $"{i}")}}]}""").Takes("19999"));
        Assert.True(Compiled.Of(new Choice([.. Enumerable.Range(1, 600).Select(i => new string('a', i))])).Takes(new string('a', 500)));
    }

    [Fact]
    public void A_tower_and_a_circle_of_references_end()
    {
        var tower = Join(40, i => $$"""  "a{{i}}":{"$ref":"#/$defs/a{{i + 1}}"}""");
        Assert.True(Compiled.Schema("{\"$ref\":\"#/$defs/a0\",\"$defs\":{" + tower + ",\"a40\":{\"const\":1}}}").Takes("1"));
        const string Circle = """{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}""";
        Compiled.IsRefused(new JsonSchema(Circle), "constraint.invalid", "$ref");
        const string Option = """{"type":"object","required":["p"],"properties":{"p":{"$ref":"#"}}}""";
        Compiled.IsRefused(new JsonSchema($$"""{"oneOf":[{{Option}},{{Option}}]}"""), "constraint.unsupported", "oneOf");
    }

    [Fact]
    public void Sources_that_nest_without_end_are_refused()
    {
        ConstraintSource source = new AnyText();
        for (var i = 0; i < 1000; i++)
        {
            source = new ConstraintSource.Sequence([source]);
        }

        Compiled.IsRefused(source, "constraint.too_large", "parts");
    }

    private static string Times(string text, int count) => string.Concat(Enumerable.Repeat(text, count));

    private static string Join(int count, Func<int, string> each, string between = ",") => string.Join(between, Enumerable.Range(0, count).Select(each));
}
