using CsCheck;
using LlmPlatform.Explore.Catalogue;
using LlmPlatform.Explore.Search;
using LlmPlatform.SharedKernel;
using Xunit;

namespace LlmPlatform.ModuleTests.Explore;

public sealed class WordsTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("  ---  ___ ... ", "")]
    [InlineData("Qwen2.5-7B-Instruct", "qwen2.5 7b instruct")]
    [InlineData("model-Q4_K_M.gguf", "model q4_k_m gguf")]
    [InlineData("v1.2.3.", "v1.2.3")]
    [InlineData("Ünïcode ﬁle Ｆｕｌｌ", "unicode file full")]
    [InlineData("通义千问", "通义千问")]
    [InlineData("it's a:*|!&(test)<->\\'", "it s a test")]
    [InlineData("zero\0width\ud800half", "zerowidthhalf")]
    public void Text_is_cut_where_people_see_words(string text, string words) => Assert.Equal(words, string.Join(' ', Words.Of(text)));

    [Theory]
    [InlineData("llama3", "llama 3")]
    [InlineData("qwen2.5", "qwen 2.5")]
    [InlineData("my_model", "my model")]
    [InlineData("llama", "")]
    [InlineData("8b", "")] // a measure is one piece
    [InlineData("q4_k_m", "")]
    public void A_word_has_the_parts_that_people_type_apart(string word, string parts) => Assert.Equal(parts, string.Join(' ', Words.NamedParts(word)));

    [Theory]
    [InlineData("qwen", "qwen", 0, 0)]
    [InlineData("qwne", "qwen", 1, 1)] // swapped
    [InlineData("lama", "llama", 1, 1)] // left out
    [InlineData("mistrral", "mistral", 1, 1)] // doubled
    [InlineData("gemna", "gemma", 1, 1)] // another
    [InlineData("desp", "deepseek", 1, 5)] // and not yet finished
    [InlineData("", "any", 0, 3)]
    [InlineData("any", "", 3, 3)]
    public void The_distance_of_words_is_what_has_to_be_typed_again(string typed, string word, int beginning, int whole) =>
        Assert.Equal((beginning, whole), EditDistance.Of(typed, word));

    [Fact]
    public void Whatever_is_typed_no_word_holds_an_operator() =>
        Gen.String.Sample(text => Assert.All(new SearchText(text).Words.SelectMany(Words.NamedParts).Concat(Words.Indexed(text)), word =>
        {
            Assert.NotEmpty(word);
            Assert.DoesNotContain(word, c => c is '\'' or '\\' or ':' or '*' or '&' or '|' or '!' or '(' or ')' or '<' or '>' or '\0' || char.IsWhiteSpace(c) || char.IsControl(c));
        }));
}

public sealed class QuantisationTests
{
    [Theory]
    [InlineData("model.gguf", null)]
    [InlineData("iq4-model-sq8_0x.gguf", null)]
    [InlineData("Llama-3.2-1B-Instruct-Q4_K_M.gguf", "Q4_K_M")]
    [InlineData("llama-iq2_xs.gguf", "IQ2_XS")]
    [InlineData("BF16/model-BF16-00001-of-00002.gguf", "BF16")]
    [InlineData("model.f16.gguf", "F16")]
    [InlineData("gpt-oss-20b-mxfp4.gguf", "MXFP4")]
    [InlineData("model-UD-Q6_K_XL.gguf", "Q6_K_XL")]
    [InlineData("f16-base-Q5_0.gguf", "Q5_0")]
    public void It_is_read_off_the_name_of_a_file(string file, string? quantisation) => Assert.Equal(quantisation, Quantisation.Of(file));

    [Fact]
    public void Parts_of_one_model_are_brought_together_and_what_is_no_model_is_left_out()
    {
        var variants = HubFiles.Variants(
            [
                new("big-Q8_0-00002-of-00003.gguf", 20, "b"), new("big-Q8_0-00001-of-00003.gguf", 10, "a"), new("big-Q8_0-00003-of-00003.gguf", 30, "c"),
                new("small-Q4_0.gguf", 5, "d"), new("mmproj-F16.gguf", 1, null), new("README.md", 1, null), new("../up-Q4_0.gguf", 1, null), new("a//b-Q4_0.gguf", 1, null),
                new("a/../b-Q4_0.gguf", 1, null), new("line\nbreak.gguf", 1, null), new("unknown.gguf", null, null),
            ],
            parameters: null);
        Assert.Equal(
            [
                new Variant("small-Q4_0.gguf", "Q4_0", 5, false, "d", 1),
                new Variant("big-Q8_0-00001-of-00003.gguf", "Q8_0", 60, false, null, 3),
                new Variant("unknown.gguf", null, null, false, null, 1),
            ],
            variants);
    }

    [Fact]
    public void A_size_that_nobody_tells_is_worked_out_and_says_so() =>
        Assert.Equal(new Variant("a-Q8_0.gguf", "Q8_0", 8_500_000_000, true, null, 1), Assert.Single(HubFiles.Variants([new("a-Q8_0.gguf", null, null)], 8_000_000_000)));
}
