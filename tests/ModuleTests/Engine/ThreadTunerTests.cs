extern alias engine;

using CsCheck;
using engine::LlmPlatform.Inference.Engine.Generation;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine;

public sealed class ThreadTunerTests
{
    private const int TwentySeconds = 20_000; // steps of a millisecond

    [Fact]
    public void A_core_that_a_neighbour_takes_is_given_up_and_taken_back_when_it_is_free()
    {
        var tuner = new ThreadTuner(2, 2);
        Run(tuner, 2000, threads => threads == 2 ? 600 : 1000);
        Assert.Equal(2, tuner.Threads);
        Run(tuner, 5000, threads => threads == 2 ? 5000 : 1100);
        Assert.Equal(1, tuner.Threads);
        Run(tuner, 10 * TwentySeconds, threads => threads == 2 ? 600 : 1000);
        Assert.Equal(2, tuner.Threads);
    }

    [Fact]
    public void A_second_thread_that_wins_little_is_not_worth_it()
    {
        var tuner = new ThreadTuner(1, 4);
        Run(tuner, 5 * TwentySeconds, threads => threads == 1 ? 1000 : 950);
        Assert.Equal(1, tuner.Threads);
    }

    [Fact]
    public void Single_steps_in_which_somebody_else_had_the_core_do_not_decide()
    {
        var tuner = new ThreadTuner(2, 2);
        var step = 0;
        var withOne = Run(tuner, 5 * TwentySeconds, threads => threads == 1 ? 1000 : step++ % 10 == 0 ? 6000 : 600);
        Assert.Equal(2, tuner.Threads);
        Assert.InRange(withOne, 1, 1000);
    }

    [Fact]
    public void Trials_that_win_nothing_become_rare()
    {
        var tuner = new ThreadTuner(1, 2);
        var tried = Run(tuner, 15 * TwentySeconds, threads => threads == 1 ? 1000 : 8000);
        Assert.InRange(tried, 1, 100); // five minutes, and hardly any of it at the wrong number
        Assert.Equal(1, tuner.Threads);
    }

    [Fact]
    public void Whatever_the_machine_does_the_number_stays_within_its_limits() =>
        Gen.Select(Gen.Int[1, 8], Gen.Int[1, 8], Gen.Select(Gen.Int[1, 3], Gen.Double[1, 100_000]).Array[1, 400]).Sample((start, most, steps) =>
        {
            var tuner = new ThreadTuner(start, most);
            foreach (var (sequences, cost) in steps)
            {
                tuner.Record(sequences, cost);
                Assert.InRange(tuner.Threads, 1, most);
            }

            tuner.Limit(1);
            Assert.Equal(1, tuner.Threads);
            Array.ForEach(steps, step => tuner.Record(step.Item1, step.Item2));
            Assert.Equal(1, tuner.Threads);
        });

    /// <summary>How many steps were computed with another number of threads than at the end.</summary>
    private static int Run(ThreadTuner tuner, int steps, Func<int, double> cost)
    {
        var used = new int[9];
        for (var step = 0; step < steps; step++)
        {
            used[tuner.Threads]++;
            tuner.Record(1, cost(tuner.Threads));
        }

        return used.Sum() - used[tuner.Threads];
    }
}
