using CsCheck;
using LlmPlatform.Chat.Search;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat.Search;

public sealed class SnippetTests
{
    [Fact]
    public void A_snippet_shows_where_the_words_stand()
    {
        var snippet = Snippets.Cut(null, "An Äpfel, and\nan apfel.", new HashSet<string> { "apfel" })!;

        Assert.Equal("An Äpfel, and an apfel.", snippet.Text);
        Assert.Equal([new SnippetMatch(3, 5), new SnippetMatch(17, 5)], snippet.Matches);
    }

    [Fact]
    public void A_snippet_is_short_and_near_the_first_match()
    {
        var snippet = Snippets.Cut(null, $"{new string('a', 500)} needle {string.Concat(Enumerable.Repeat("hay ", 500))}", new HashSet<string> { "needle" })!;

        var match = Assert.Single(snippet.Matches);
        Assert.Equal("needle", snippet.Text.Substring(match.Start, match.Length));
        Assert.InRange(snippet.Text.Length, 1, 160);
    }

    [Fact]
    public void Text_without_the_words_has_no_snippet() => Assert.Null(Snippets.Cut(null, "nothing here", new HashSet<string> { "needle" }));

    [Fact]
    public void Neighbouring_pairs_of_characters_are_one_match() =>
        Assert.Equal([new SnippetMatch(2, 3)], Snippets.Cut(null, "我在東京都", new HashSet<string> { "東京", "京都" })!.Matches);

    [Fact]
    public void Every_match_of_any_text_lies_inside_the_snippet_and_is_one_of_the_words() =>
        Gen.String[0, 400].Select(text => (text, words: ProseWords.Of(text).Select(w => w.Plain).Take(3).ToHashSet())).Sample(sample =>
        {
            var snippet = Snippets.Cut(null, sample.text, sample.words);
            foreach (var match in snippet?.Matches ?? [])
            {
                Assert.Contains(ProseWords.Of(snippet!.Text.Substring(match.Start, match.Length)), word => sample.words.Contains(word.Plain));
            }
        });
}
