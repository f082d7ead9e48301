extern alias engine;

using engine::LlmPlatform.Inference.Engine.Constraints;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine.Constraints;

public sealed class SchemaConstraintTests
{
    [Theory]
    [InlineData("not", """{"type":"object","properties":{"a":{"not":{}}}}""", "#/properties/a")]
    [InlineData("if", """{"if":{},"then":{}}""", "#")]
    [InlineData("patternProperties", """{"patternProperties":{}}""", "#")]
    [InlineData("uniqueItems", """{"type":"array","items":{"type":"array","uniqueItems":true}}""", "#/items")]
    [InlineData("multipleOf", """{"type":"integer","multipleOf":2}""", "#")]
    [InlineData("dependentSchemas", """{"dependentSchemas":{}}""", "#")]
    [InlineData("minProperties", """{"minProperties":1}""", "#")]
    [InlineData("contains", """{"contains":{}}""", "#")]
    [InlineData("propertyNames", """{"anyOf":[{},{"propertyNames":{}}]}""", "#/anyOf/1")]
    [InlineData("madeUp", """{"madeUp":1}""", "#")]
    [InlineData("$ref http://example.com/a", """{"$ref":"http://example.com/a"}""", "#")]
    [InlineData("$ref #/$defs/b", """{"$ref":"#/$defs/b","$defs":{"a":{}}}""", "#")]
    [InlineData("$ref #a", """{"$ref":"#a"}""", "#")]
    [InlineData("format phone", """{"type":"string","format":"phone"}""", "#")]
    [InlineData("minLength", """{"type":"string","pattern":"^(ab|c)+$","minLength":2}""", "#")]
    [InlineData("maximum beside", """{"enum":[1,2],"maximum":1}""", "#")]
    [InlineData("oneOf", """{"oneOf":[{"type":"integer"},{"type":"number"}]}""", "#")]
    [InlineData("oneOf", """{"oneOf":[{"properties":{"a":{}}},{"type":"string"}]}""", "#")]
    [InlineData("oneOf", """{"oneOf":[{"enum":["a","b"]},{"const":"b"}]}""", "#")]
    [InlineData("oneOf", """{"properties":{"a":{},"b":{}},"oneOf":[{"type":"object","required":["a"]},{"type":"object","required":["b"]}]}""", "#")]
    [InlineData("items as a list", """{"type":"array","items":[{}]}""", "#")]
    [InlineData("\\1", """{"type":"string","pattern":"(a)\\1"}""", "#/pattern")]
    public void What_is_not_honoured_is_refused_by_name_and_place(string keyword, string schema, string where)
    {
        Compiled.IsRefused(new ConstraintSource.JsonSchema(schema), "constraint.unsupported", $"'{keyword}");
        Compiled.IsRefused(new ConstraintSource.JsonSchema(schema), "constraint.unsupported", $"(at {where}");
    }

    [Theory]
    [InlineData("{")]
    [InlineData("""{"type":"object","type":"array"}""")]
    [InlineData("[]")]
    [InlineData("3")]
    [InlineData("""{"type":"text"}""")]
    [InlineData("""{"type":3}""")]
    [InlineData("""{"enum":3}""")]
    [InlineData("""{"enum":[]}""")]
    [InlineData("""{"anyOf":[]}""")]
    [InlineData("""{"allOf":{}}""")]
    [InlineData("""{"required":"a"}""")]
    [InlineData("""{"properties":[]}""")]
    [InlineData("""{"type":"string","minLength":-1}""")]
    [InlineData("""{"type":"string","minLength":1.5}""")]
    [InlineData("""{"type":"integer","minimum":"1"}""")]
    [InlineData("""{"type":"integer","minimum":0.2,"maximum":0.8}""")]
    [InlineData("""{"type":"string","minLength":3,"maxLength":2}""")]
    [InlineData("""{"allOf":[{"type":"string"},{"type":"integer"}]}""")]
    [InlineData("""{"type":"object","required":["b"],"properties":{"a":{}},"additionalProperties":false}""")]
    [InlineData("""{"enum":["\ud800"]}""")]
    [InlineData("""{"properties":{"\ud800":{}}}""")]
    [InlineData("""{"$ref":"#"}""")]
    [InlineData("""{"anyOf":[{"$ref":"#"},{"type":"string"}]}""")]
    [InlineData("""{"properties":{"a":{"$ref":"#"}},"required":["a"]}""")]
    [InlineData("false")]
    public void A_schema_that_cannot_be_read_or_met_is_refused(string schema) =>
        Compiled.IsRefused(new ConstraintSource.JsonSchema(schema), "constraint.invalid", "(at ");

    [Theory]
    [InlineData("true", """{"a":[1,null,"x"]} -1.5e3""", "{,} [1,] 01 nul")]
    [InlineData("{}", """[] "" true""", "tru")]
    [InlineData("""{"type":["integer","null"]}""", "0 -7 null 123456789012345", "1.5 -0 01 \"\"")]
    [InlineData("""{"type":"integer","minimum":-12,"exclusiveMaximum":105}""", "-12 -1 0 7 99 104", "-13 105 1000 -0 00")]
    [InlineData("""{"type":"integer","minimum":95.5}""", "96 1000 123456", "95 9 -96")]
    [InlineData("""{"type":"number","minimum":0.25,"exclusiveMaximum":2.5}""", "0.25 0.3 1 1.999 2.49", "0.2 0.249 2.5 3 0 -1")]
    [InlineData("""{"type":"number","exclusiveMinimum":-1.5,"maximum":0}""", "-1.49 -1 -0.5 0 0.0", "-1.5 -2 0.1 -0")]
    [InlineData("""{"type":"number","minimum":1,"maximum":1}""", "1 1.0 1.00", "1.01 0.9 2")]
    [InlineData("""{"enum":["a","ab",1,null,{"k":[1,2]}]}""", "\"a\" \"ab\" 1 null {\"k\":[1,2]}", "\"b\" \"\" 11")]
    [InlineData("""{"type":"string","enum":["a",1]}""", "\"a\"", "1")]
    [InlineData("""{"const":"é\"\n"}""", "\"é\\\"\\n\"", "\"é\"")]
    [InlineData("""{"type":"string","minLength":1,"maxLength":2}""", "\"a\" \"日😀\" \"\\n\\u00e9\" \"\\ud83d\\ude00x\"", "\"\" \"abc\" \"\\ud83d\" \"\\x\"")]
    [InlineData("""{"type":"string","pattern":"^a+$"}""", "\"a\" \"aaa\"", "\"\" \"ab\"")]
    [InlineData("""{"type":"string","pattern":"b"}""", "\"b\" \"abc\"", "\"\" \"ac\"")]
    [InlineData("""{"type":"string","pattern":"^a|b$"}""", "\"ax\" \"xb\"", "\"xa\" \"bx\"")]
    [InlineData("""{"type":"string","pattern":"^[\"\\\\]$"}""", "\"\\\"\" \"\\\\\"", "\"\"\" \"\\\"")]
    [InlineData("""{"type":"string","pattern":"^[aé]+$","minLength":2,"maxLength":3}""", "\"aé\" \"ééé\"", "\"a\" \"aaaa\" \"b\"")]
    [InlineData("""{"type":"string","pattern":"^(a|bc){2}$","minLength":2,"maxLength":4}""", "\"aa\" \"bcbc\"", "\"a\"")]
    [InlineData("""{"type":"string","format":"uuid","maxLength":36}""", "\"00112233-4455-6677-8899-aabbccddeeff\"", "\"a\"")]
    [InlineData("""{"type":"string","format":"date"}""", "\"2024-02-29\" \"1999-12-31\"", "\"2023-02-29\" \"2024-13-01\" \"2024-04-31\"")]
    [InlineData(
        """{"type":"string","format":"date-time"}""",
        "\"2024-01-01T23:59:59Z\" \"2024-01-01T00:00:00.5+02:00\"",
        "\"2024-01-01\" \"2024-01-01T24:00:00Z\"")]
    [InlineData("""{"type":"string","format":"ipv4"}""", "\"1.2.3.4\" \"255.0.10.199\"", "\"256.1.1.1\" \"1.2.3\" \"01.2.3.4\"")]
    [InlineData("""{"type":"string","format":"uuid"}""", "\"00112233-4455-6677-8899-aabbccddeeff\"", "\"0011\"")]
    [InlineData("""{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3}""", "[1] [1,2,3]", "[] [1,2,3,4] [1,] [\"a\"]")]
    [InlineData("""{"type":"array","maxItems":0}""", "[]", "[1]")]
    [InlineData("""{"type":"array","prefixItems":[{"type":"null"},{"type":"boolean"}],"minItems":1}""", "[null] [null,true]", "[] [true] [null,true,1]")]
    [InlineData("""{"type":"array","prefixItems":[{"type":"null"}],"items":{"const":1}}""", "[] [null] [null,1,1]", "[1] [null,null]")]
    [InlineData(
        """{"properties":{"a":{"const":1},"b":{"const":2},"c":{"const":3}},"required":["b"]}""",
        """{"b":2} {"a":1,"b":2} {"a":1,"b":2,"c":3}""",
        """{} {"a":1} {"b":2,"a":1} {"b":2,"d":1} {"b":2,}""")]
    [InlineData("""{"properties":{"a":{"const":1},"b":{"const":2}}}""", """{} {"a":1} {"b":2} {"a":1,"b":2}""", """{,"b":2}""")]
    [InlineData(
        """{"properties":{"ab":{"const":1}},"additionalProperties":{"const":2}}""",
        """{} {"ab":1,"a":2,"abc":2} {"é":2}""",
        """{"ab":2} {"x":1} {"\u0061b":2}""")]
    [InlineData("""{"type":"object"}""", """{} {"a":{"b":[]}}""", "[]")]
    [InlineData("""{"type":"object","additionalProperties":false}""", "{}", """{"a":1}""")]
    [InlineData("""{"type":"object","required":["a"]}""", """{"a":1} {"a":1,"b":2}""", """{} {"b":1}""")]
    [InlineData(
        """{"allOf":[{"properties":{"a":{"type":"integer"}}},{"properties":{"a":{"minimum":3},"b":{"const":1}},"required":["a"]}]}""",
        """{"a":3} {"a":4,"b":1}""",
        """{} {"a":2} {"b":1}""")]
    [InlineData("""{"anyOf":[{"type":"string"},{"const":2}],"description":"x"}""", "\"a\" 2", "3")]
    [InlineData(
        """{"type":"object","properties":{"a":{"const":1}},"anyOf":[{"required":["a"]},{"properties":{"b":{"const":2}},"required":["b"]}]}""",
        """{"a":1} {"b":2} {"a":1,"b":2}""",
        "{}")]
    [InlineData("""{"oneOf":[{"type":"integer"},{"type":"string"}]}""", "1 \"a\"", "null")]
    [InlineData(
        """{"oneOf":[{"properties":{"k":{"const":"a"}},"required":["k"],"type":"object"},{"properties":{"k":{"const":"b"},"v":{"const":1}},"required":["k"],"type":"object"}]}""",
        """{"k":"a"} {"k":"b","v":1}""",
        """{"k":"a","v":1} {}""")]
    [InlineData(
        """{"oneOf":[{"properties":{"a":{"const":1}},"required":["a"],"type":"object"},{"properties":{"b":{"const":2}},"required":["b"],"type":"object"}]}""",
        """{"a":1} {"b":2}""",
        """{"a":1,"b":2} {}""")]
    [InlineData("""{"type":"string","enum":["a"],"nullable":true}""", "\"a\" null", "1")]
    [InlineData(
        """{"$ref":"#/$defs/node","$defs":{"node":{"properties":{"v":{"const":0},"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["v"]}}}""",
        """{"v":0} {"v":0,"next":{"v":0,"next":null}}""",
        """{"v":0,"next":{}}""")]
    [InlineData("""{"$ref":"#/definitions/a~1b%25","title":"t","definitions":{"a/b%":{"const":1}}}""", "1", "2")]
    [InlineData("""{"type":"array","items":{"$ref":"#"}}""", "[] [[],[[]]]", "[1]")]
    public void A_schema_takes_what_it_says(string schema, string taken, string refused)
    {
        var constraint = Compiled.Schema(schema);
        Assert.All(taken.Split(' '), text => Assert.True(constraint.Takes(text), text));
        Assert.All(refused.Split(' '), text => Assert.False(constraint.Takes(text), text));
    }

    [Theory]
    [InlineData("""{"a": 1, "b": [1, 2]}""", true)]
    [InlineData("""{"a":1,"b":[1,2]}""", true)]
    [InlineData("""{ "a":1}""", false)]
    [InlineData("""{"a" :1}""", false)]
    [InlineData("""{"a":  1}""", false)]
    [InlineData("{}\n", false)]
    [InlineData("""["a"]""", false)]
    public void White_space_is_one_space_after_a_colon_or_comma_or_none(string text, bool isTaken) =>
        Assert.Equal(isTaken, Compiled.Of(new ConstraintSource.AnyJsonObject()).Takes(text));

    [Fact]
    public void Long_strings_are_counted_to_the_last_character()
    {
        var constraint = Compiled.Schema("""{"type":"string","minLength":700,"maxLength":1000}""");
        Assert.All(new[] { 0, 699, 700, 1000, 1001 }, n => Assert.Equal(n is >= 700 and <= 1000, constraint.Takes($"\"{new string('é', n)}\"")));
    }
}
