extern alias engine;

using System.Text;
using System.Text.RegularExpressions;
using CsCheck;
using engine::LlmPlatform.Inference.Engine.Constraints;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine.Constraints;

public sealed class RegexConstraintTests
{
    private static readonly Gen<string> Atom = OneOf("a", "b", "[ab]", "[^a]", ".", "ab", "\\d", "c");
    private static readonly Gen<string> Quantifier = OneOf("", "", "*", "+", "?", "{2}", "{1,}", "{0,2}", "{2,3}", "*?");

    private static readonly Gen<string> Pattern = Gen.Recursive<string>((depth, inner) => depth > 3
        ? Atom
        : Gen.OneOf(
            Gen.Select(Atom, Quantifier, (a, q) => a.Length > 1 && a[0] is not ('[' or '\\') ? $"(?:{a}){q}" : a + q),
            Gen.Select(inner, inner, (a, b) => $"(?:{a})(?:{b})"),
            Gen.Select(inner, inner, Quantifier, (a, b, q) => $"({a}|{b}){q}")));

    private static readonly Gen<string> Texts = OneOf("a", "b", "c", "7").Array[0, 7].Select(string.Concat);

    [Theory]
    [InlineData("(a", "constraint.invalid", "')' is missing")]
    [InlineData("a)", "constraint.invalid", "without an opening")]
    [InlineData("*a", "constraint.invalid", "nothing to repeat")]
    [InlineData("a{3,2}", "constraint.invalid", "before it begins")]
    [InlineData("a{x}", "constraint.invalid", "number")]
    [InlineData("[a", "constraint.invalid", "not closed")]
    [InlineData("[b-a]", "constraint.invalid", "range")]
    [InlineData("\\ud800", "constraint.invalid", "Half a character")]
    [InlineData("a\\", "constraint.invalid", "escape")]
    [InlineData("(a)\\1", "constraint.unsupported", "\\1")]
    [InlineData("(?=a)b", "constraint.unsupported", "(?=")]
    [InlineData("(?<!a)b", "constraint.unsupported", "(?<")]
    [InlineData("(?<name>a)", "constraint.unsupported", "(?<")]
    [InlineData("(?i)a", "constraint.unsupported", "(?i")]
    [InlineData("a\\b", "constraint.unsupported", "\\b")]
    [InlineData("\\p{L}", "constraint.unsupported", "\\p")]
    [InlineData("[[:alpha:]]", "constraint.unsupported", "named class")]
    [InlineData("a*+", "constraint.unsupported", "possessive")]
    [InlineData("a^b", "constraint.unsupported", "anchor")]
    [InlineData("a{1000001}", "constraint.too_large", "1000000")]
    public void What_is_not_read_is_refused_by_name(string pattern, string code, string part) =>
        Compiled.IsRefused(new ConstraintSource.Regex(pattern), code, part);

    [Theory]
    [InlineData("^(foo|ba[rz])$", "foo baz", "fo fooo bars")]
    [InlineData("\\d{2,4}", "12 1234", "1 12345 1a")]
    [InlineData("[^\\W_]+", "aZ9", "a_ -")]
    [InlineData("\\x41\\u00e9\\u{1F600}", "Aé😀", "Aé A")]
    [InlineData("[a\\-c-]", "a - c", "b \\")]
    [InlineData("(a*)*", "aaaa", "ab")]
    [InlineData("(a?b?){3,20}c", "c abc bac", "ab")]
    [InlineData("\\S[^\\s]", "aé 日x", "a\u00a0 \u3000b \ufeff1 a\u2028")]
    [InlineData("[^\\S]a|[\\s]b", "\ta \nb", "\u00a0a \u3000b xa")]
    [InlineData("[日-本]", "日 旦", "a 中")]
    public void A_pattern_takes_what_it_says(string pattern, string taken, string refused)
    {
        var constraint = Compiled.Of(new ConstraintSource.Regex(pattern));
        Assert.All(taken.Split(' '), text => Assert.True(constraint.Takes(text), text));
        Assert.All(refused.Split(' '), text => Assert.False(constraint.Takes(text), text));
    }

    [Fact]
    public void A_counted_repeat_is_counted_to_the_end()
    {
        var constraint = Compiled.Of(new ConstraintSource.Regex("(ab?){20,30}"));
        Assert.All(Enumerable.Range(0, 40), n => Assert.Equal(n is >= 20 and <= 30, constraint.Takes(string.Concat(Enumerable.Repeat(n % 2 == 0 ? "a" : "ab", n)))));
    }

    [Fact]
    public void A_pattern_matches_what_the_framework_matches() =>
        Gen.Select(Pattern, Texts.Array[12]).Sample(
            (pattern, texts) =>
            {
                var constraint = Compiled.Of(new ConstraintSource.Regex(pattern));
                var expected = new Regex($"^(?:{pattern})\\z", RegexOptions.NonBacktracking);
                Assert.All(texts, text => Assert.Equal(expected.IsMatch(text), constraint.Takes(text)));
            },
            iter: 1000);

    [Fact]
    public void Whatever_is_written_matches_the_pattern() =>
        Gen.Select(Pattern, Gen.Int).Sample(
            (pattern, seed) =>
            {
                var (text, isWhole) = new RandomWriter(Compiled.Vocabulary, seed).Write(Compiled.Of(new ConstraintSource.Regex(pattern)), 100);
                Assert.True(!isWhole || new Regex($"^(?:{pattern})\\z", RegexOptions.NonBacktracking).IsMatch(OneUnit(text)), Encoding.UTF8.GetString(text));
            },
            iter: 300);

    // The framework's dot and classes take one UTF-16 unit, and its dot stops at a line feed only.
    private static string OneUnit(byte[] text) => string.Concat(Encoding.UTF8.GetString(text).EnumerateRunes().Select(r => r.IsBmp ? r.ToString() : "þ"));

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);
}
