extern alias engine;

using System.Text;
using engine::LlmPlatform.Inference.Engine.Constraints;
using Xunit;
using static engine::LlmPlatform.Inference.Engine.Constraints.ConstraintSource;

namespace LlmPlatform.ModuleTests.Engine.Constraints;

public sealed class ConstraintStateTests
{
    private static readonly ByteVocabulary Vocabulary = Compiled.Vocabulary;

    private static readonly ConstraintSource Call = new Sequence(
    [
        new Marker(ByteVocabulary.CallMarker),
        new Literal("{\"name\": \""),
        new OneOf(
        [
            new Sequence([new Literal("add\", \"arguments\": "), new JsonSchema("""{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}""")]),
            new Sequence([new Literal("stop\", \"arguments\": "), new JsonSchema("""{"type":"object","properties":{}}""")]),
        ]),
        new Literal("}"),
    ]);

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void A_token_that_there_is_not_is_not_taken(int token) => Assert.False(Compiled.Of(new AnyText()).Start().TryAccept(token));

    [Fact]
    public void The_end_is_allowed_only_where_the_text_is_whole()
    {
        var state = Compiled.Of(new Choice(["ab", "abab"])).Start();
        Assert.False(Allowed(state)[Vocabulary.End]);
        Assert.False(state.TryAccept(Vocabulary.End));
        Take(state, "ab");
        Assert.True(state.MayEnd && !state.MustEnd && Allowed(state)[Vocabulary.End] && state.TryAccept(Vocabulary.End));
        Take(state, "ab");
        Assert.True(state.MustEnd);
        Assert.Equal(1, Allowed(state).Count(a => a));
    }

    [Fact]
    public void Control_tokens_come_only_where_a_marker_stands()
    {
        var state = Compiled.Of(Call).Start();
        Assert.Equal([Vocabulary.Call], Enumerable.Range(0, Vocabulary.Size).Where(t => Allowed(state)[t]));
        Assert.True(state.TryAccept(Vocabulary.Call));
        Take(state, "{\"name\": \"add\", \"arguments\": {\"a\":7}}");
        Assert.True(state.MustEnd);
        Assert.False(Allowed(Compiled.Of(new AnyText()).Start())[Vocabulary.Call]);
    }

    [Fact]
    public void A_marker_without_a_token_is_text() => Assert.True(Compiled.Of(new Marker("<tool_call>")).Takes("<tool_call>"));

    [Theory]
    [InlineData("aab", "xxaaab!", true)]
    [InlineData("aab", "aab!", true)]
    [InlineData("aab", "aabaab!", false)]
    [InlineData("aab", "aaé!", false)]
    [InlineData("abab", "abaabab!", true)]
    [InlineData("é", "aèé!", true)]
    public void Text_goes_up_to_the_first_marker(string marker, string text, bool isTaken) =>
        Assert.Equal(isTaken, Compiled.Of(new Sequence([new TextUntil(marker), new Literal("!")])).Takes(text));

    [Theory]
    [InlineData("xxaab", false)]
    [InlineData("aa", true)]
    [InlineData("", true)]
    [InlineData("aaébaa", true)]
    public void Text_without_a_marker_ends_before_it_would_occur(string text, bool isTaken) =>
        Assert.Equal(isTaken, Compiled.Of(new TextWithout("aab")).Takes(text));

    [Fact]
    public void Text_goes_up_to_a_control_token()
    {
        var state = Compiled.Of(new Sequence([new TextUntil(ByteVocabulary.CallMarker), new Literal("!")])).Start();
        Take(state, "any 日 text [TOOL_CALLS]!");
        Assert.True(state.TryAccept(Vocabulary.Call));
        Take(state, "!");
        Assert.True(state.MustEnd);
    }

    [Fact]
    public void Text_is_whole_characters()
    {
        var state = Compiled.Of(new AnyText()).Start();
        Assert.False(state.TryAccept(0x80));
        Assert.True(state.MayEnd && state.TryAccept(0xE6) && !state.MayEnd);
        Assert.False(state.TryAccept('a'));
        Take(state, "本"[..0]);
        Assert.True(state.TryAccept(0x97) && state.TryAccept(0xA5) && state.MayEnd);
    }

    [Fact]
    public void Parts_repeat_with_something_between_them()
    {
        var constraint = Compiled.Of(new ConstraintSource.Repeat(new Choice(["a", "b"]), new Literal(", "), 2, 3));
        Assert.True(constraint.Takes("a, b") && constraint.Takes("a, b, a"));
        Assert.False(constraint.Takes("a") || constraint.Takes("a, b, a, b") || constraint.Takes("a, b, "));
        Compiled.IsRefused(new ConstraintSource.Repeat(new AnyText(), null, 3, 2), "constraint.invalid", "3 to 2");
    }

    [Fact]
    public void A_fork_goes_its_own_way()
    {
        var state = Compiled.Of(new Choice(["left", "lend"])).Start();
        Take(state, "le");
        var fork = state.Fork();
        Take(fork, "ft");
        Take(state, "nd");
        Assert.True(fork.MustEnd && state.MustEnd);
    }

    [Fact]
    public void A_vocabulary_that_cannot_write_the_text_makes_it_stuck()
    {
        var state = new ConstraintCompiler(new OneLetter()).Compile(new Literal("ab")).Start();
        Assert.True(state.TryAccept(0));
        var logits = new float[2];
        state.Mask(logits);
        Assert.True(state.IsStuck && !state.MayEnd && !state.TryAccept(0));
        Assert.All(logits, logit => Assert.Equal(float.NegativeInfinity, logit));
    }

    [Fact]
    public void The_mask_allows_exactly_what_is_taken()
    {
        var constraint = Compiled.Of(new Sequence([new AnyJsonObject(), Call]));
        var random = new Random(4);
        for (var turn = 0; turn < 20; turn++)
        {
            var state = constraint.Start();
            for (var step = 0; step < 40 && !state.MustEnd; step++)
            {
                var allowed = Allowed(state);
                Assert.All(Enumerable.Range(0, Vocabulary.Size), token => Assert.Equal(allowed[token], state.Fork().TryAccept(token)));
                var choices = Enumerable.Range(0, Vocabulary.Size).Where(t => allowed[t]).ToArray();
                Assert.True(state.TryAccept(choices[random.Next(choices.Length)]));
            }
        }
    }

    [Fact]
    public void Equal_sources_are_compiled_once_and_old_ones_are_forgotten()
    {
        var compiler = new ConstraintCompiler(Vocabulary);
        var first = compiler.Compile(new Choice(["a", "b"]));
        Assert.Same(first, compiler.Compile(new Choice(["a", "b"])));
        Assert.NotSame(first, compiler.Compile(new Choice(["ab"])));
        Assert.All(Enumerable.Range(0, ConstraintLimits.Compiled), i => compiler.Compile(new Literal($"{i}")));
        Assert.NotSame(first, compiler.Compile(new Choice(["a", "b"])));
    }

    [Fact]
    public void Many_threads_run_one_constraint()
    {
        var constraint = Compiled.Of(new AnyJsonObject());
        var expected = Enumerable.Range(0, 16).Select(seed => new RandomWriter(Vocabulary, seed).Write(constraint, 100).Text).ToArray();
        var fresh = Compiled.Of(new AnyJsonObject());
        var texts = new byte[16][];
        Parallel.For(0, 16, seed => texts[seed] = new RandomWriter(Vocabulary, seed).Write(fresh, 100).Text);
        Assert.Equal(expected, texts);
    }

    [Fact]
    public void What_is_remembered_is_bounded_and_forgetting_changes_nothing()
    {
        var memory = new Memory();
        for (var i = 0; !memory.IsFull; i++)
        {
            memory.Intern([new Frame(i, 0, null)], mayEnd: false, classes: 8);
            Assert.True(i < ConstraintLimits.MemoryUnits);
        }

        // Each letter is a place of its own, so this fills the memory more than once.
        var state = Compiled.Of(new ConstraintSource.Regex("[ab]{60000,70000}")).Start();
        for (var letters = 0; letters < 70_000; letters++)
        {
            if (letters % 5_000 == 0)
            {
                var allowed = Allowed(state);
                Assert.True(allowed['a'] && allowed['b'] && !allowed['c'] && allowed[Vocabulary.End] == letters >= 60_000);
            }

            Assert.True(state.TryAccept('a') && state.MayEnd == letters >= 59_999);
        }

        Assert.True(state.MustEnd);
    }

    private static void Take(ConstraintState state, string text) => Assert.All(Encoding.UTF8.GetBytes(text), value => Assert.True(state.TryAccept(value), text));

    private static bool[] Allowed(ConstraintState state)
    {
        var logits = new float[Vocabulary.Size];
        state.Mask(logits);
        return Array.ConvertAll(logits, logit => logit == 0);
    }

    private sealed class OneLetter : IVocabularyText
    {
        public int Size => 2;

        public ReadOnlySpan<byte> Bytes(int token) => token == 0 ? "a"u8 : default;

        public bool EndsGeneration(int token) => token == 1;

        public int? ControlToken(string text) => null;
    }
}
