extern alias engine;

using engine::LlmPlatform.Inference.Engine.Constraints;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine.Constraints;

public sealed class GrammarConstraintTests
{
    private const string Arithmetic =
        """
        # sums of terms
        root  ::= (expr "=" ws term "\n"){1,2}
        expr  ::= term ([-+*/] term)*
        term  ::= ident | num
          | "(" ws expr ")" ws
        ident ::= [a-z] [a-z0-9_]* ws   # a name
        num   ::= [0-9]+ ws
        ws    ::= [ \t]*
        """;

    [Theory]
    [InlineData("", "no rule 'root'")]
    [InlineData("root ::= other", "'other' is not defined")]
    [InlineData("root ::= \"a\"\nroot ::= \"b\"", "defined twice")]
    [InlineData("root := \"a\"", "'::=' is missing")]
    [InlineData("root ::= \"a", "not closed")]
    [InlineData("root ::= [a", "not closed")]
    [InlineData("root ::= (\"a\"", "')' is missing")]
    [InlineData("root ::= \"\\q\"", "escape")]
    [InlineData("root ::= \"a\"{2,1}", "before it begins")]
    [InlineData("root ::= \"a\" root", "No finite text")]
    [InlineData("root ::= root \"a\" | \"b\"", "rule root")]
    [InlineData("root ::= a\na ::= n a | \"x\"\nn ::= \"\" | \"y\"", "rule a")]
    [InlineData("root ::= (a)*\na ::= b | \"\"\nb ::= a", "refers to itself")]
    public void A_grammar_that_cannot_run_is_refused(string text, string part) =>
        Compiled.IsRefused(new ConstraintSource.Grammar(text), "constraint.invalid", part);

    [Fact]
    public void Tokens_in_a_grammar_are_refused() => Compiled.IsRefused(new ConstraintSource.Grammar("root ::= <[1000]>"), "constraint.unsupported", "token");

    [Theory]
    [InlineData("a=1\n", true)]
    [InlineData("a + (b*2)= c\n", false)]
    [InlineData("a+(b *2)= c\n", true)]
    [InlineData("((((x))))=y\nx-1=z\n", true)]
    [InlineData("a=1\na=1\na=1\n", false)]
    [InlineData("a=1", false)]
    public void A_grammar_takes_what_it_says(string text, bool isTaken) =>
        Assert.Equal(isTaken, Compiled.Of(new ConstraintSource.Grammar(Arithmetic)).Takes(text));

    [Theory]
    [InlineData("root ::= [^a]", "é", true)]
    [InlineData("root ::= [^a]", "a", false)]
    [InlineData("root ::= .{2}", "日\n", true)]
    [InlineData("root ::= \"\\x41\\u00e9\\U0001F600\"", "Aé😀", true)]
    [InlineData("root ::= (\"a\" | \"\") \"b\"?", "", true)]
    [InlineData("root ::= \"a\"{,2}", "aa", true)]
    [InlineData("root ::= \"a\"{2,}", "a", false)]
    [InlineData("root ::= x*\nx ::= y? y?\ny ::= \"a\" | \"\"", "aaaaa", true)]
    public void Each_form_of_the_language_is_read(string grammar, string text, bool isTaken) =>
        Assert.Equal(isTaken, Compiled.Of(new ConstraintSource.Grammar(grammar)).Takes(text));

    [Fact]
    public void A_rule_that_ends_in_itself_runs_on_without_growing()
    {
        var state = Compiled.Of(new ConstraintSource.Grammar("root ::= \"a\" root | \"b\"")).Start();
        Assert.All(Enumerable.Range(0, 20_000), _ => Assert.True(state.TryAccept('a')));
        Assert.True(state.TryAccept('b') && state.MustEnd);
    }

    [Fact]
    public void Text_that_nests_too_deeply_says_so_and_lets_nothing_through()
    {
        var state = Compiled.Of(new ConstraintSource.Grammar("root ::= \"(\" root \")\" | \"x\"")).Start();
        while (state.TryAccept('('))
        {
        }

        Assert.True(state.IsStuck);
        Assert.Equal("constraint.too_large", state.Refusal!.Code);
        var logits = new float[Compiled.Vocabulary.Size];
        state.Mask(logits);
        Assert.All(logits, logit => Assert.Equal(float.NegativeInfinity, logit));
    }
}
