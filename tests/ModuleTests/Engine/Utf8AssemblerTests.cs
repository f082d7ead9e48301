extern alias engine;

using System.Text;
using CsCheck;
using engine::LlmPlatform.Inference.Engine.Generation;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine;

public sealed class Utf8AssemblerTests
{
    private static readonly string[] Pieces = ["a", "é", "€", "語", "😀", "👩‍🚀", "\n", "\uFFFD"];
    private static readonly Gen<string> Texts = Gen.Int[0, Pieces.Length - 1].Array[0, 12].Select(picks => string.Concat(picks.Select(pick => Pieces[pick])));

    [Fact]
    public void A_character_waits_for_its_last_byte()
    {
        var characters = new Utf8Assembler();
        var smile = Encoding.UTF8.GetBytes("😀");
        Assert.Equal("", characters.Push(smile.AsSpan(0, 3)));
        Assert.Equal("😀", characters.Push(smile.AsSpan(3)));
    }

    [Fact]
    public void Bytes_that_are_no_character_do_not_swallow_what_follows()
    {
        var characters = new Utf8Assembler();
        Assert.Equal("", characters.Push([0xE2, 0x82]));
        Assert.Equal("\uFFFDok", characters.Push("ok"u8));
    }

    [Fact]
    public void However_bytes_are_cut_the_text_is_the_same() =>
        Gen.Select(Texts, Gen.Int[1, 5].Array[1, 20]).Sample((text, cuts) =>
        {
            var characters = new Utf8Assembler();
            var bytes = Encoding.UTF8.GetBytes(text);
            var joined = "";
            for (var (at, cut) = (0, 0); at < bytes.Length; cut++)
            {
                var piece = characters.Push(bytes.AsSpan(at, Math.Min(cuts[cut % cuts.Length], bytes.Length - at)));
                Assert.Equal(piece, Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(piece)));
                joined += piece;
                at += cuts[cut % cuts.Length];
            }

            Assert.Equal(text, joined);
        });
}
