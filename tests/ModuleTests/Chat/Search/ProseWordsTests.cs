using System.Globalization;
using System.Text;
using CsCheck;
using LlmPlatform.Chat.Search;
using Xunit;

namespace LlmPlatform.ModuleTests.Chat.Search;

public sealed class ProseWordsTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData(" *** %% __ ... ", "")]
    [InlineData("Don't a & (b | !c):*", "don t a b c")]
    [InlineData("Größe Straße ÉTÉ ﬁn", "große straße ete fin")]
    [InlineData("u\u0308ber naïve", "uber naive")] // an accent of its own
    [InlineData("snake_case 3.14 v2", "snake case 3 14 v2")]
    [InlineData("日本", "日 本 日本")]
    [InlineData("東京tower", "東 京 東京 tower")]
    [InlineData("한국어", "한 국 한국 어 국어")]
    [InlineData("zero\0half\ud800x", "zero half x")]
    public void Text_is_cut_into_words(string text, string words) =>
        Assert.Equal(Unmarked(words), string.Join(' ', ProseWords.Of(text).Select(w => w.Plain)));

    [Theory]
    [InlineData("東京都", "東京 京都")]
    [InlineData("猫", "猫")]
    [InlineData("cat 猫", "cat 猫")]
    public void Whoever_types_without_spaces_looks_for_pairs(string text, string words) => Assert.Equal(words, string.Join(' ', ProseWords.Typed(text).Select(w => w.Plain)));

    [Fact]
    public void A_very_long_word_counts_as_its_beginning() => Assert.Equal(new string('x', ProseWords.Longest), Assert.Single(ProseWords.Of(new string('x', 10_000))).Plain);

    [Fact]
    public void Whatever_is_cut_holds_letters_and_digits_stands_where_it_says_and_is_found_again() =>
        Gen.String[0, 60].Sample(text =>
        {
            foreach (var word in ProseWords.Of(text))
            {
                Assert.InRange(word.Plain.Length, 1, ProseWords.Longest);
                Assert.All(word.Plain.EnumerateRunes(), rune => Assert.True(Rune.IsLetterOrDigit(rune)));
                Assert.Contains(ProseWords.Of(text.Substring(word.Start, word.Length)), again => again.Plain == word.Plain);
            }
        });

    // Syllables of Hangul are taken apart like accents are.
    private static string Unmarked(string words) =>
        string.Concat(words.Normalize(NormalizationForm.FormKD).Where(c => CharUnicodeInfo.GetUnicodeCategory(c) != UnicodeCategory.NonSpacingMark));
}
