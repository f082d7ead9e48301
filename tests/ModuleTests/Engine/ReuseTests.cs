using LlmPlatform.Inference.Engine.Protocol;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Engine;

public sealed class ReuseTests
{
    private const string Beginning =
        "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball. She wanted to play with it, "
        + "but it was too high. Lily's mom said, \"Lily, let's go to the park.\" Lily was sad and wanted to go home. They went to the park and saw a dog. ";

    // One pool of cells for all, because the memory is too small for parts of their own.
    private static readonly string[] Pool = ["--context", "1024", "--slots", "4", "--memory", "100000"];
    private static readonly string[] Parts = ["--context", "1024", "--slots", "4"];

    public static TheoryData<bool> Caches => [true, false];

    [Theory, MemberData(nameof(Caches))]
    public async Task Another_tenant_never_profits_from_what_was_computed(bool isPool)
    {
        await using var worker = await WorkerProcess.StartReadyAsync(RealModel.PathOrStandIn, isPool ? Pool : Parts);
        var mine = await worker.GenerateAsync(Request("mine", Beginning));
        var theirs = await worker.GenerateAsync(Request("theirs", Beginning));
        Assert.Equal((0u, 0u), (mine.Finished!.Usage.CachedTokens, theirs.Finished!.Usage.CachedTokens));
        Assert.Equal(mine.Text, theirs.Text);
    }

    [Theory, MemberData(nameof(Caches))]
    public async Task The_next_turn_computes_only_what_is_new_and_says_the_same(bool isPool)
    {
        await using var worker = await WorkerProcess.StartReadyAsync(RealModel.PathOrStandIn, isPool ? Pool : Parts);
        var first = await worker.GenerateAsync(Request("mine", Beginning));
        var next = Beginning + first.Text + " Then";
        var second = await worker.GenerateAsync(Request("mine", next));
        var fresh = await worker.GenerateAsync(Request("nobody", next));
        Assert.InRange(second.Finished!.Usage.CachedTokens, first.Finished!.Usage.PromptTokens, second.Finished.Usage.PromptTokens - 1);
        Assert.Equal(0u, fresh.Finished!.Usage.CachedTokens);
        Assert.Equal(fresh.Text[..40], second.Text[..40]); // sums in another order may tip a close race, but not at once
    }

    [Theory, MemberData(nameof(Caches))]
    public async Task A_conversation_that_branches_keeps_what_the_branches_share(bool isPool)
    {
        await using var worker = await WorkerProcess.StartReadyAsync(RealModel.PathOrStandIn, isPool ? Pool : Parts);
        await worker.GenerateAsync(Request("mine", Beginning + "The dog"));
        var other = await worker.GenerateAsync(Request("mine", Beginning + "Lily's mom"));
        var again = await worker.GenerateAsync(Request("mine", Beginning + "The dog"));
        Assert.InRange(other.Finished!.Usage.CachedTokens, 50u, other.Finished.Usage.PromptTokens - 1);
        Assert.Equal(again.Finished!.Usage.PromptTokens - 1, again.Finished.Usage.CachedTokens);
    }

    [Theory, MemberData(nameof(Caches))]
    public async Task Requests_that_begin_alike_and_come_together_compute_the_beginning_once(bool isPool)
    {
        await using var worker = await WorkerProcess.StartReadyAsync(RealModel.PathOrStandIn, isPool ? Pool : Parts);
        string[] ends = ["The dog", "Lily's mom", "A big", "They"];
        var ids = new List<ulong>();
        foreach (var end in ends)
        {
            ids.Add(await worker.SubmitAsync(Request("mine", Beginning + end)));
        }

        var together = await worker.ReadToEndAsync([.. ids]);
        Assert.Equal(3, ids.Count(id => together[id].Finished!.Usage.CachedTokens >= 50));
        foreach (var (id, end) in ids.Zip(ends))
        {
            var alone = await worker.GenerateAsync(Request($"alone {end}", Beginning + end));
            Assert.Equal(alone.Text[..40], together[id].Text[..40]);
        }
    }

    [Fact]
    public async Task Sequences_that_a_leaving_one_parts_come_together_again_and_go_on_as_before()
    {
        await using var worker = await WorkerProcess.StartReadyAsync(RealModel.PathOrStandIn, Parts);
        var first = await worker.SubmitAsync(Request("first", "Lily saw a dog", 900));
        var middle = await worker.SubmitAsync(Request("middle", "Tom had a ball", 20));
        var last = await worker.SubmitAsync(Request("last", "One day, a cat", 900));
        var parted = await worker.ReadToEndAsync(first, middle, last);
        Assert.InRange(worker.Load.Moves, 1u, 2u);
        first = await worker.SubmitAsync(Request("another", "Lily saw a dog", 900));
        last = await worker.SubmitAsync(Request("yet another", "One day, a cat", 900));
        var together = await worker.ReadToEndAsync(first, last);
        Assert.Equal(together.Values.Select(t => t.Text), new[] { 1UL, 3UL }.Select(id => parted[id].Text));
    }

    [Fact]
    public async Task A_pool_that_is_too_small_for_all_serves_all()
    {
        await using var worker = await WorkerProcess.StartReadyAsync(RealModel.PathOrStandIn, "--context", "512", "--slots", "6", "--memory", "100000");
        var ids = new List<ulong>();
        for (var number = 0; number < 12; number++)
        {
            var request = Request($"tenant {number % 3}", $"Tom had {number} dogs");
            request.MaxTokens = 250;
            ids.Add(await worker.SubmitAsync(request));
        }

        var result = await worker.ReadToEndAsync([.. ids]);
        Assert.All(ids, id => Assert.Equal(FinishReason.Length, result[id].Finished?.Reason));
    }

    [Fact]
    public async Task Guesses_change_nothing_and_the_right_ones_are_counted()
    {
        await using var worker = await WorkerProcess.StartReadyAsync(RealModel.PathOrStandIn, Parts);
        var prompt = string.Concat(Enumerable.Repeat("Lily saw a red ball. Lily saw a blue ball. ", 4));
        var guessed = await worker.GenerateAsync(Request("alone", prompt, 200));
        // Nothing is guessed for a request that has company.
        var company = await worker.SubmitAsync(new Submit { Tenant = "company", Text = "Once" });
        while ((await worker.ReadEventAsync()).Delta is null)
        {
        }

        var plain = await worker.GenerateAsync(Request("other", prompt, 200));
        await worker.CancelAsync(company);
        var timings = guessed.Finished!.Timings;
        Assert.InRange(timings.Accepted, 1u, timings.Drafted);
        Assert.Equal(0u, plain.Finished!.Timings.Drafted);
        Assert.Equal(plain.Text[..60], guessed.Text[..60]);
        Assert.Equal(200u, guessed.Finished.Usage.CompletionTokens);
    }

    private static Submit Request(string tenant, string text, uint tokens = 40) => new() { Tenant = tenant, Text = text, MaxTokens = tokens };
}
