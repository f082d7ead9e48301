extern alias engine;

using engine::LlmPlatform.Inference.Engine.Generation;
using Xunit;
using Submit = engine::LlmPlatform.Inference.Engine.Protocol.Submit;

namespace LlmPlatform.ModuleTests.Engine;

public sealed class StepPlanTests
{
    private const int Capacity = 512;
    private const double TokenMicroseconds = 1000;

    [Fact]
    public void A_prompt_that_comes_to_a_running_stream_is_computed_in_pieces_that_the_reader_does_not_notice()
    {
        var stream = Speaking();
        Assert.InRange(PieceAfterToken(stream, Prompt()), 32, 70);
    }

    [Fact]
    public void Prompts_that_come_together_are_computed_before_the_first_of_them_goes_on()
    {
        var prompt = Prompt();
        Assert.Equal(Capacity, PieceAfterToken(Speaking(), prompt));
    }

    [Fact]
    public void Something_of_a_prompt_is_computed_between_two_tokens_of_a_stream_however_slow_the_machine_is()
    {
        var plan = Plan(microseconds: 1_000_000);
        Sequence[] running = [Speaking(), Prompt()];
        for (var turn = 0; turn < 5; turn++)
        {
            Assert.Equal(32, Assert.Single(plan.Compose(running, mayGuess: false)).Count);
            Assert.True(Assert.Single(plan.Compose(running, mayGuess: false)).IsDecode);
        }
    }

    [Fact]
    public void A_prompt_alone_takes_whole_steps()
    {
        var share = Assert.Single(Plan(TokenMicroseconds).Compose([Prompt()], mayGuess: false));
        Assert.Equal(Capacity, share.Count);
    }

    /// <summary>How much of the prompt comes next when the stream has just had a token.</summary>
    private static int PieceAfterToken(Sequence stream, Sequence prompt)
    {
        var plan = Plan(TokenMicroseconds);
        var share = Assert.Single(plan.Compose([stream, prompt], mayGuess: false));
        while (!share.IsDecode)
        {
            share = Assert.Single(plan.Compose([stream, prompt], mayGuess: false));
        }

        return Assert.Single(plan.Compose([stream, prompt], mayGuess: false)).Count;
    }

    private static StepPlan Plan(double microseconds)
    {
        var clock = new StepClock();
        for (var step = 0; step < 100; step++)
        {
            clock.Record(decodes: 0, prefillTokens: 100, 100 * microseconds);
        }

        return new StepPlan(clock, new FairQueue(), Capacity);
    }

    private static Sequence Speaking()
    {
        var sequence = Of(remaining: 1);
        sequence.RecordToken();
        return sequence;
    }

    private static Sequence Prompt() => Of(remaining: 3000);

    private static Sequence Of(int remaining)
    {
        var sequence = new Sequence(new Submit { Tenant = "one" }, new Outbox());
        sequence.TokenList.AddRange(new int[remaining]);
        return sequence;
    }
}
