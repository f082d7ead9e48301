using LlmPlatform.Inference.Workers;
using Xunit;

namespace LlmPlatform.ModuleTests.Inference;

public sealed class FailureHistoryTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly FailureHistory history = new();

    [Fact]
    public void The_third_failure_in_ten_minutes_makes_the_model_rest_until_the_first_is_ten_minutes_old()
    {
        history.Record(Noon);
        history.Record(Noon.AddMinutes(4));
        Assert.Equal(TimeSpan.Zero, history.Quarantine(Noon.AddMinutes(8)));
        history.Record(Noon.AddMinutes(8));
        Assert.Equal(TimeSpan.FromMinutes(2), history.Quarantine(Noon.AddMinutes(8)));
        Assert.Equal(TimeSpan.Zero, history.Quarantine(Noon.AddMinutes(10)));
    }

    [Fact]
    public void Failures_that_are_far_apart_never_add_up()
    {
        for (var i = 0; i < 10; i++)
        {
            history.Record(Noon.AddMinutes(i * 6));
            Assert.Equal(TimeSpan.Zero, history.Quarantine(Noon.AddMinutes(i * 6)));
        }
    }

    [Fact]
    public void The_first_restart_comes_at_once_and_the_second_after_a_breath()
    {
        history.Record(Noon);
        Assert.Equal(TimeSpan.Zero, history.Wait(Noon));
        history.Record(Noon.AddSeconds(1));
        Assert.Equal(TimeSpan.FromSeconds(1), history.Wait(Noon.AddSeconds(1)));
        Assert.Equal(TimeSpan.Zero, history.Wait(Noon.AddSeconds(3)));
    }

    [Fact]
    public void Who_is_forgiven_starts_afresh()
    {
        for (var i = 0; i < FailureHistory.Limit; i++)
        {
            history.Record(Noon);
        }

        history.Clear();
        Assert.Equal(TimeSpan.Zero, history.Quarantine(Noon));
    }
}
