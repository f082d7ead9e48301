using LlmPlatform.Explore.Catalogue;
using LlmPlatform.Explore.Fit;
using LlmPlatform.Inference.Contracts;
using LlmPlatform.ModuleTests.Support;
using Xunit;

namespace LlmPlatform.ModuleTests.Explore;

public sealed class FitJudgeTests(PlatformFixture platform)
{
    private static readonly ModelShape Shape = new(1, 1, 1, 1, 1, 1, 1, 1, 1);
    private static readonly FitJudge Judge = new(new Sums(), new MachineMemory(1000, 800, 700, 500, []));

    [Theory]
    [InlineData(null, Verdict.Unknown)]
    [InlineData(490L, Verdict.Fits)]
    [InlineData(491L, Verdict.FitsWhenOthersUnload)]
    [InlineData(690L, Verdict.FitsWhenOthersUnload)]
    [InlineData(691L, Verdict.TooLarge)]
    [InlineData(long.MaxValue / 4, Verdict.TooLarge)]
    public void A_verdict_compares_what_is_needed_with_what_is_there(long? size, Verdict verdict) =>
        Assert.Equal(verdict, Judge.Judge(Of(size), Shape, 10).Verdict);

    [Fact]
    public void A_model_fits_a_graphics_processor_whose_free_memory_holds_all_of_it()
    {
        var judge = new FitJudge(new Sums(), new MachineMemory(1000, 800, 700, 500, [new GpuMemory("small", 900, 50), new GpuMemory("large", 300, 250)]));
        Assert.True(judge.Judge(Of(200), Shape, 10).FitsGpu);
        Assert.False(judge.Judge(Of(260), Shape, 10).FitsGpu);
        Assert.False(Judge.Judge(Of(200), Shape, 10).FitsGpu);
    }

    [Fact]
    public void A_longer_context_needs_more() => Assert.Equal(Verdict.TooLarge, Judge.Judge(Of(100), Shape, 700).Verdict);

    [Fact]
    public void Numbers_that_are_not_whole_say_so()
    {
        Assert.True(Judge.Judge(Of(100), Shape, null).IsComplete);
        Assert.False(Judge.Judge(Of(100), null, null).IsComplete);
        Assert.False(Judge.Judge(Of(100) with { SizeIsRounded = true }, Shape, null).IsComplete);
    }

    [Theory]
    [InlineData("Q4_K_M:300 Q8_0:450 F16:900", "Q8_0")] // the best that fits
    [InlineData("Q4_K_M:200 F16:450", "Q4_K_M")] // not beyond what makes a difference
    [InlineData("F16:450", "F16")] // unless there is nothing else
    [InlineData("Q4_K_M:600 Q2_K:550", "Q4_K_M")] // when others unload
    [InlineData("Q4_K_M:900 Q8_0:1900", "Q4_K_M")] // none fits: the smallest
    [InlineData("Q4_K_M:? Q8_0:?", "Q4_K_M")] // nobody knows
    [InlineData("Q4_K_M:300 Q8_0:450:2", "Q4_K_M")] // what is split cannot be installed
    [InlineData("Q8_0:450:2", "Q8_0")]
    [InlineData("", null)]
    public void The_variant_that_suits_the_machine_is_suggested(string variants, string? suggested)
    {
        var made = variants.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(v => v.Split(':'))
            .Select(v => new Variant("f", v[0], long.TryParse(v[1], out var size) ? size : null, false, null, v.Length > 2 ? 2 : 1));
        var model = Shelf.Model("a/b") with { Variants = [.. made], Shape = Shape };
        Assert.Equal(suggested, FitJudge.Suggest(Judge.JudgeAll(model, 10))?.Variant.Quantisation);
    }

    [Fact]
    public async Task The_machine_and_a_model_on_it_are_shown_with_numbers()
    {
        var machine = await platform.Administrator.GetJsonAsync("/api/v1/explore/machine");
        Assert.True(machine.GetProperty("totalBytes").GetInt64() >= machine.GetProperty("budgetBytes").GetInt64());

        await platform.PutAsync(Shelf.Model("fitting/one") with
        {
            Variants = [new Variant("small-Q4_0.gguf", "Q4_0", 1000, false, null, 1), new Variant("large-00001-of-00002.gguf", "F16", 1L << 50, false, null, 2)],
            Shape = new ModelShape(2, 64, 4, 2, 16, 16, null, 1000, 100_000),
        });
        var few = await platform.Administrator.GetJsonAsync("/api/v1/explore/models/hub:fitting/one?contextTokens=1024");
        var many = await platform.Administrator.GetJsonAsync("/api/v1/explore/models/hub:fitting/one?contextTokens=65536");
        var (small, large) = (few.GetProperty("variants")[0], few.GetProperty("variants")[1]);
        Assert.Equal(("fits", "hf://fitting/one/small-Q4_0.gguf", true), (small.GetProperty("fit").Text("verdict"), small.Text("installSource"), small.GetProperty("isSuggested").GetBoolean()));
        Assert.Equal(("tooLarge", null, false), (large.GetProperty("fit").Text("verdict"), large.Text("installSource"), large.GetProperty("isSuggested").GetBoolean()));
        Assert.True(Needed(many) > Needed(few));
        Assert.Equal(System.Net.HttpStatusCode.NotFound, (await platform.Administrator.GetAsync("/api/v1/explore/models/hub:fitting/none")).StatusCode);
        Assert.Equal(System.Net.HttpStatusCode.BadRequest, (await platform.Administrator.GetAsync("/api/v1/explore/models/hub:fitting/one?contextTokens=-1")).StatusCode);
    }

    private static long Needed(System.Text.Json.JsonElement detail) => detail.GetProperty("variants")[0].GetProperty("fit").GetProperty("neededBytes").GetInt64();

    private static Variant Of(long? size) => new("f.gguf", "Q4_0", size, false, null, 1);

    /// <summary>A machine of small numbers, so that every limit can be met exactly: a file and a byte for each token.</summary>
    private sealed class Sums : IMemoryFit
    {
        public MachineMemory Machine() => throw new NotSupportedException();

        public MemoryNeed Need(long weightsBytes, ModelShape? shape, int? contextTokens) =>
            new(contextTokens, weightsBytes, contextTokens, weightsBytes + (contextTokens ?? 0), shape is not null);
    }
}
