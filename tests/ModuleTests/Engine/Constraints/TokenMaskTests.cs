extern alias engine;

using CsCheck;
using engine::LlmPlatform.Inference.Engine.Constraints;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine.Constraints;

public sealed class TokenMaskTests
{
    [Fact]
    public void Logits_stay_where_the_bit_is_set_and_nowhere_else() =>
        Gen.Select(Gen.Bool.Array[1, 300], Gen.Int[-3, 3]).Sample((allowed, more) =>
        {
            var mask = new TokenMask(allowed.Length);
            for (var token = 0; token < allowed.Length; token++)
            {
                if (allowed[token])
                {
                    mask.Allow(token);
                }
            }

            var logits = new float[Math.Max(allowed.Length + more, 0)];
            Array.Fill(logits, 1.5f);
            mask.Apply(logits);
            for (var token = 0; token < logits.Length; token++)
            {
                Assert.Equal(token < allowed.Length && allowed[token] ? 1.5f : float.NegativeInfinity, logits[token]);
            }

            Assert.Equal(!allowed.Contains(true), mask.IsEmpty);
        });

    [Fact]
    public void Bytes_that_no_set_tells_apart_share_a_class()
    {
        var (classes, members) = ByteClasses.Of([ByteSet.Range(10, 20), ByteSet.Of(15), ByteSet.Range(18, 255)]);
        Assert.Equal(5, members.Length);
        Assert.Equal(classes[10], classes[17]);
        Assert.NotEqual(classes[10], classes[15]);
        Assert.NotEqual(classes[18], classes[21]);
        Assert.All(Enumerable.Range(0, members.Length), c => Assert.Equal(c, classes[members[c]]));
    }
}
