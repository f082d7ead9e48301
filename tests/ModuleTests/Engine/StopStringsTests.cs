extern alias engine;

using CsCheck;
using engine::LlmPlatform.Inference.Engine.Generation;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine;

public sealed class StopStringsTests
{
    // Three letters, so that stops overlap each other and themselves.
    private static readonly Gen<string> Words = Gen.Char["abc"].Array[1, 4].Select(letters => new string(letters));
    private static readonly Gen<string> Texts = Gen.Char["abc"].Array[0, 30].Select(letters => new string(letters));

    [Fact]
    public void An_empty_stop_string_is_refused() =>
        Assert.Equal("stop", Assert.Throws<RequestRefusedException>(() => new StopStrings([".", ""])).Param);

    [Fact]
    public void Text_that_only_looked_like_a_stop_string_comes_in_the_end()
    {
        var stops = new StopStrings(["</end>"]);
        Assert.Equal("a ", stops.Push("a </e"));
        Assert.Equal("</en ", stops.Push("n "));
        Assert.Equal("b", stops.Push("b</"));
        Assert.Equal("</", stops.Flush());
    }

    [Fact]
    public void Nothing_comes_after_a_stop_string()
    {
        var stops = new StopStrings(["."]);
        Assert.Equal("One", stops.Push("One. Two"));
        Assert.True(stops.HasStopped);
        Assert.Equal("", stops.Push(" Three") + stops.Flush());
    }

    [Fact]
    public void However_a_text_is_cut_it_ends_at_the_same_place() =>
        Gen.Select(Words.Array[0, 4], Texts, Gen.Int[1, 6].Array[1, 30]).Sample((words, text, cuts) =>
            Assert.Equal(Naive(words, text), InPieces(new StopStrings(words), text, cuts)));

    private static string InPieces(StopStrings stops, string text, int[] cuts)
    {
        var shown = "";
        for (var (at, cut) = (0, 0); at < text.Length; cut++)
        {
            var length = Math.Min(cuts[cut % cuts.Length], text.Length - at);
            shown += stops.Push(text.Substring(at, length));
            at += length;
        }

        return shown + stops.Flush();
    }

    /// <summary>Letter by letter: the first moment at which the text ends with a stop string, and the longest one then.</summary>
    private static string Naive(string[] words, string text)
    {
        for (var end = 1; end <= text.Length; end++)
        {
            var stop = words.Where(word => text[..end].EndsWith(word, StringComparison.Ordinal)).MaxBy(word => word.Length);
            if (stop is not null)
            {
                return text[..(end - stop.Length)];
            }
        }

        return text;
    }
}
