extern alias engine;

using System.Reflection;
using engine::LlmPlatform.Inference.Engine;
using engine::LlmPlatform.Inference.Engine.Generation;
using engine::LlmPlatform.Inference.Engine.Llama;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine;

/// <summary>What llama.cpp answers with an abort and no validator of files can prevent.</summary>
public sealed class NativeCallsTests
{
    // Each of these has inputs that end the process. Sampling and grammars are ours, in managed code.
    [Theory]
    [InlineData("grammar")]
    [InlineData("sampler")]
    [InlineData("vocab_get_text")]
    [InlineData("adapter")]
    [InlineData("state_")]
    public void Functions_that_abort_on_what_users_write_are_not_bound(string part) =>
        Assert.DoesNotContain(typeof(Native).GetMethods(BindingFlags.Static | BindingFlags.NonPublic), m => m.Name.Contains(part, StringComparison.Ordinal));

    [Fact]
    public void A_step_takes_no_more_tokens_than_it_has_room_for()
    {
        var batch = new TokenBatch(2);
        batch.Add(1, position: 0, sequence: 0, output: false);
        batch.Add(1, position: 1, sequence: 0, output: true);
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.Add(1, position: 2, sequence: 0, output: true));
        Assert.Equal(2, batch.Count);
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(0, -1)]
    [InlineData(0, -2)]
    public void A_token_without_a_place_is_refused(int position, int sequence) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new TokenBatch(1).Add(1, position, sequence, output: true));

    [Theory]
    [InlineData("--slots", "65")]
    [InlineData("--slots", "0")]
    [InlineData("--context", "-1")]
    [InlineData("--context", "4294967296")]
    [InlineData("--threads", "513")]
    [InlineData("--kv-type", "f32")]
    [InlineData("--kv-type", "8")]
    [InlineData("--memory", "0")]
    [InlineData("--memory", "much")]
    public void A_number_that_llama_would_not_survive_does_not_get_that_far(string name, string value) =>
        Assert.Throws<UsageException>(() => Parse(name, value));

    [Theory]
    [InlineData("f16", KvCacheType.F16)]
    [InlineData("q8_0", KvCacheType.Q8)]
    [InlineData("q4_0", KvCacheType.Q4)]
    public void The_type_and_the_memory_of_the_cache_are_read(string name, object type)
    {
        Assert.Equal(type, Parse("--kv-type", name).KvCacheType);
        Assert.Equal(1L << 40, Parse("--memory", "1099511627776").KvBytes);
    }

    private static ModelOptions Parse(string name, string value) => Arguments.Parse(["serve", "--model", "a.gguf", name, value]).Model;
}
